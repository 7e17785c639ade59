"""Signing keys, in files and in tokens, and from one to the next."""
