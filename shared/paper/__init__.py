"""Paper trading that V2 executors can use: the real connector with only its private half simulated."""
