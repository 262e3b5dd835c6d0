"""Trades that can have happened on the seeded market: their fills are at its prices."""

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from shared.domain.signals import Side
from shared.simulator import scenario
from shared.simulator.instruments import instrument_for
from shared.simulator.price_path import PricePath
from tests.unit.cli.trade_samples import PERPETUAL, SPOT, Position, at, signal, started, terms

MARKET = "simulated, seed 1"
PAIR = "BTC-USDT"


@cache
def path(perpetual: bool = False) -> PricePath:
    """What BTC-USDT was traded at."""
    venue = scenario.simulated([PAIR], 1)
    return venue.market(perpetual, instrument_for(PAIR, perpetual).symbol).path


def price_at(minute: float, perpetual: bool = False) -> Decimal:
    """The price traded at that minute."""
    ticks = int(path(perpetual).price_ticks[path(perpetual).index_at(at(minute))])
    return Decimal(ticks) / int(instrument_for(PAIR, perpetual).price_scale)


def traded(
    opened: float = 6,
    closed: float = 26,
    *,
    side: Side = Side.BUY,
    perpetual: bool = False,
    cause: str = "TAKE_PROFIT",
    barrier_price: str | None = None,
    **changes: Any,
) -> Position:
    """A position of two levels, both filled at the market's prices, and closed at one."""
    first, second, left = (str(price_at(minute, perpetual)) for minute in (opened + 0.1, opened + 5, closed))
    # A candle's close is the last price before the next one opens.
    opening = replace(signal(opened, side=side), price=float(price_at(opened - 0.01, perpetual)))
    position = Position(opening, terms(first, second, "90000", **changes), account=PERPETUAL if perpetual else SPOT)
    position.order(opened + 0.02, "0.001", limit=first, fills=[(opened + 0.1, first, "0.001")])
    position.order(opened + 0.03, "0.002", limit=second, fills=[(opened + 5, second, "0.002")])
    position.order(opened + 0.04, "0.001", limit="90000")
    position.decide(closed, cause, barrier_price)
    position.order(closed, "0.003", fills=[(closed, left, "0.001"), (closed + 0.05, left, "0.002")])
    return position.close(closed + 0.1, cause if cause.isupper() else "EARLY_STOP")


def run_of(*positions: Position, market: str = MARKET) -> RunRecord:
    """A run with these positions."""
    return RunRecord.of([started(market), *(event for position in positions for event in position.events)])


def without_terms(position: Position) -> Position:
    """As older journals have it."""
    position.events = [
        replace(event, terms=None) if isinstance(event, ev.ExecutorOpened) else event for event in position.events
    ]
    return position
