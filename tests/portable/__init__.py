"""Plain functions with plain asserts, which run under pytest and under MicroPython; helpers are in check.py."""
