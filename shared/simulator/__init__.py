"""The local venue: Binance-shaped public market data over a loopback port, from recordings or a seeded market.

Start reading at `scenario` (what is traded), then `venue` (when it is published) and `server` (how it is asked for).
"""
