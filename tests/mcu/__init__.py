"""The microcontroller boards, on the real interpreter with a fake `machine`."""
