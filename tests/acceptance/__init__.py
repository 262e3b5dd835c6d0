"""Whole runs of the product, as a user starts them."""
