"""Bytes to records and back, without input or output of its own."""
