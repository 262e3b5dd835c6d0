"""Sources of prices: their streams and their REST interfaces."""
