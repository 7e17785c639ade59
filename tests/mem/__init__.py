"""How little heap a management session needs, on the real MicroPython."""
