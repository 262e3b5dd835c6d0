"""Controllers that take a direction: recovery_dca."""
