"""Buses become the few things that an update needs: a flash, a boot control, a watchdog."""
