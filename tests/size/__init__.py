"""How large the device code is once compiled."""
