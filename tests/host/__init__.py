"""Tests that need pytest and the host: gates over the sources, whole updates, power cuts."""
