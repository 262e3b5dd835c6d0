"""The summary of a run: counts, results and the verdict, from the journal's events."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.domain.run_record import ZERO, RunRecord
from shared.domain.verification import LAST_UNIT, Verification


@dataclass(frozen=True)
class RunReport:
    """What a run came to. Money in quote, durations in seconds.

    Attributes:
        hummingbot: Release it ran on.
        venue: As named on the command line.
        seed: Of the simulated market; None where nothing was simulated.
        duration_s: Real time from start to end of trading.
        market_duration_s: The same span on the market's clock.
        ready_s: Real time from the process's start until the bot could trade; None if it never could.
        refused_hosts: Attempts to reach other machines, by host.
    """

    hummingbot: str
    venue: str
    seed: int | None
    duration_s: float
    market_duration_s: float
    ready_s: float | None
    refused_hosts: Mapping[str, int]
    record: RunRecord
    verification: Verification

    @property
    def realized_pnl_quote(self) -> Decimal:
        return sum((trade.pnl_quote for trade in self.record.closed_trades), ZERO)

    @property
    def fees_quote(self) -> Decimal:
        return sum((trade.fees_quote for trade in self.record.closed_trades), ZERO)

    @property
    def close_types(self) -> Mapping[str, int]:
        return Counter(trade.closed.close_type for trade in self.record.closed_trades if trade.closed is not None)

    @property
    def orders_failed(self) -> Mapping[str, int]:
        orders = self.record.orders.values()
        return Counter(order.failed.code for order in orders if order.failed is not None)

    @property
    def signals_refused(self) -> Mapping[str, int]:
        return Counter(signal.reason for signal in self.record.signals if signal.reason is not None)

    def as_json(self) -> dict[str, Any]:
        """The report file's content; money rounded to the venue's last unit (1e-8 quote)."""
        return {
            "hummingbot": self.hummingbot,
            "venue": self.venue,
            "seed": self.seed,
            "duration_s": round(self.duration_s, 3),
            "market_duration_s": round(self.market_duration_s, 3),
            "ready_s": None if self.ready_s is None else round(self.ready_s, 3),
            "signals": len(self.record.signals),
            "signals_refused": dict(self.signals_refused),
            "orders_submitted": len(self.record.orders),
            "orders_failed": dict(self.orders_failed),
            "fills": sum(len(order.fills) for order in self.record.orders.values()),
            "trades_closed": len(self.record.closed_trades),
            "close_types": dict(self.close_types),
            "realized_pnl_quote": _number(self.realized_pnl_quote),
            "fees_quote": _number(self.fees_quote),
            "refused_hosts": dict(self.refused_hosts),
            "verify": verification_as_json(self.verification),
        }


def verification_as_json(verification: Verification) -> dict[str, Any]:
    """The verdict as JSON: `checked` is the number of closed trades proved, the other counts beside it."""
    return {
        "ok": verification.ok,
        "checked": verification.checked["trades"],
        "checked_signals": verification.checked["signals"],
        "checked_orders": verification.checked["orders"],
        "checked_fills": verification.checked["fills"],
        "mismatches": list(verification.mismatches),
    }


def _number(amount: Decimal) -> float:
    return float(amount.quantize(LAST_UNIT))
