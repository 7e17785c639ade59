"""The harness that cuts the power of the simulated device at every flash operation, with every effect, and between messages."""
