"""Test data: vectors and tables, and the scripts that make them."""
