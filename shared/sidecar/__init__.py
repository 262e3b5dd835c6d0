"""What must not live in the trading process: shipping the journal, and keeping its store small. Never imports Hummingbot."""
