"""What a run's market is called, and when its candles were recorded: one candle is one piece of evidence, however replayed.

A replay's name ends with how far each pair's recording was moved to the run's clock:
`..., moved BTC-USDT 0 ms, ETH-USDT -3600000 ms`. A candle of a recording is known by its pair and the time it was recorded at,
whatever file, folder, START or seed it was replayed with. (A seed draws what happens within candles; that is no other market.)
"""

import re
from collections.abc import Mapping

RECORDED = "recorded"
UNNAMED = "venue "
"""What the name of a market begins with that does not say what it serves: a local venue in another process."""
MOVED = ", moved (?:[^,]* ms, )*{pair} (-?[0-9]+) ms"
"""Regular expression for how far a pair's recording was moved; Postgres and Python read it alike."""


def moved(shifts_ms: Mapping[str, int]) -> str:
    """The end of a replay's name.

    Args:
        shifts_ms: What was added to the recorded times of each pair, milliseconds.
    """
    return ", moved " + ", ".join(f"{pair} {shift_ms} ms" for pair, shift_ms in shifts_ms.items())


def is_named(market: str) -> bool:
    """Whether a run says what it traded on, so that its evidence can be told from evidence had before."""
    return not market.startswith(UNNAMED)


def origin_of(market: str, pair: str) -> tuple[str, int]:
    """Which market a pair was traded on, and what to take from the run's times to have that market's own.

    Args:
        market: Of the run.
        pair: The trading pair.

    Returns:
        A name that is the same for the same candles, and milliseconds.
    """
    found = re.search(MOVED.format(pair=re.escape(pair)), market)
    return (market, 0) if found is None else (RECORDED, int(found[1]))
