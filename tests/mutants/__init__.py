"""Defects planted on purpose: the harness must notice every one of them."""
