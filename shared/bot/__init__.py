"""Controllers, scripts, journal writing and the launcher: what runs inside Hummingbot's process.

Kept empty of imports: the launcher must set Hummingbot's home before `hummingbot.client` is imported anywhere.
"""
