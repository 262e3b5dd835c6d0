"""Controllers that take a direction: recovery_dca, recovery_swing, recovery_channel."""
