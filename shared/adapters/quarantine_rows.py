"""Quarantined bars as `quarantine_bars` of the database takes them, by a direct connection and by the API alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.domain.feed_records import QuarantinedBar


def quarantine_rows(bars: Sequence[QuarantinedBar]) -> list[Mapping[str, Any]]:
    """JSON objects with the columns of quarantined_bars."""
    return [
        {
            "source": bar.source,
            "symbol": bar.symbol,
            "timeframe": bar.timeframe,
            "opened_at": bar.opened_at.isoformat(),
            "reason": bar.reason,
            "seen_at": bar.seen_at.isoformat(),
            "raw_values": dict(bar.raw),
        }
        for bar in bars
    ]
