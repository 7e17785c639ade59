"""What a device and its server do with each other, step by step: the same functions for simulated, emulated and real boards."""
