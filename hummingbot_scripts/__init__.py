"""Scripts the trader starts; Hummingbot knows this folder as `scripts`."""
