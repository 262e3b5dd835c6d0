"""Hummingbot V2 controllers of this project, by type, where Hummingbot and hummingbot-api look for them."""
