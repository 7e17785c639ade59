"""Figures, measured in virtual time or counted: make bench."""
