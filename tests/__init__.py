"""Tests: `portable` runs on both interpreters, `host` on CPython only."""
