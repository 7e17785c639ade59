"""MicroPython on microcontrollers."""
