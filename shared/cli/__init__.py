"""The `recovery` command."""
