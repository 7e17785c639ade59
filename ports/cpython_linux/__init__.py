"""CPython on Linux boards."""
