"""What is frozen into the emulated microcontroller's MicroPython: only what finds the first stage."""

freeze(".", "_boot.py")  # noqa: F821  MicroPython's own word
