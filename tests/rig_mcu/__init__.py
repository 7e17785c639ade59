"""The whole update on an emulated microcontroller: a Cortex-M3 with a hard heap."""
