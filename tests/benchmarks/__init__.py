"""Figures, never asserted: `make bench`."""
