"""The portable core: bytes and facts go in, bytes and decisions come out."""
