"""From the sources' bars to the candles a bot decides on: books, backfill, the choice of source, the server."""
