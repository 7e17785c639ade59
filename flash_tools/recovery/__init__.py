"""Firmware over a serial line, for boards that have none to start."""
