"""Whether a barrier was seen working: touched, acted on at once, near its price, and filled as the book then promised."""

from decimal import Decimal
from enum import StrEnum

from shared.domain import events as ev
from shared.domain.run_record import ZERO, ExecutorRecord
from shared.domain.signals import Side

TAKE_PROFIT, STOP_LOSS = "TAKE_PROFIT", "STOP_LOSS"
LATEST_REACTION_MS = 2_000
"""An executor looks once a second. The first look after the last one that found the barrier untouched lies within this."""
LARGEST_GAP = Decimal("0.005")
"""Fraction of the barrier's price by which the market may have gone beyond it between two looks, a second apart."""


class BarrierFinding(StrEnum):
    """What is to be said of a position that a barrier was to close."""

    WORKED = "worked"
    NOT_TOUCHED = "not touched"
    LATE = "late"
    CLOSED_OTHERWISE = "closed otherwise"
    GAPPED = "far beyond its price"
    OFF_PRICE = "more than a tick off"


def inspect_barrier(executor: ExecutorRecord, barrier: str) -> BarrierFinding | None:
    """Judge how a barrier closed a position.

    It worked if the best price had reached it on the right side, the executor acted at its first look after the last one
    that found it untouched, the position was closed for this reason, and its average closing price lies within one tick of
    the barrier's plus the modelled slippage. That is what the market moved between the two looks, at most LARGEST_GAP, and
    what the book would have taken of the amount by the fill model; both are in `expected_price`.

    Args:
        executor: A closed trade.
        barrier: TAKE_PROFIT or STOP_LOSS.

    Returns:
        The finding, the first that applies; None where another reason closed it.
    """
    decided, closed = executor.exit, executor.closed
    if decided is None or closed is None or decided.cause != barrier:
        return None
    if not _was_touched(decided, executor.opened.side):
        return BarrierFinding.NOT_TOUCHED
    if decided.untouched_at_ms is None or decided.at_ms - decided.untouched_at_ms > LATEST_REACTION_MS:
        return BarrierFinding.LATE
    if closed.close_type != barrier:
        return BarrierFinding.CLOSED_OTHERWISE
    if _has_gapped(decided):
        return BarrierFinding.GAPPED
    return BarrierFinding.WORKED if _is_within_a_tick(executor, decided) else BarrierFinding.OFF_PRICE


def _was_touched(decided: ev.ExitDecided, side: Side) -> bool:
    if decided.barrier_price is None or decided.best_price is None:
        return False
    gone_beyond = decided.best_price - decided.barrier_price
    if (side is Side.BUY) != (decided.cause == TAKE_PROFIT):
        gone_beyond = -gone_beyond
    return gone_beyond >= ZERO


def _has_gapped(decided: ev.ExitDecided) -> bool:
    assert decided.barrier_price is not None
    if decided.expected_price is None:
        return False
    return abs(decided.expected_price - decided.barrier_price) > LARGEST_GAP * decided.barrier_price


def _is_within_a_tick(executor: ExecutorRecord, decided: ev.ExitDecided) -> bool:
    fills = [fill for order in executor.orders if order.submitted.closing for fill in order.fills]
    amount = sum((fill.amount for fill in fills), ZERO)
    if not amount or decided.expected_price is None:
        return False
    # Multiplied out: a quotient would be rounded, and the database rounds it elsewhere.
    brought = sum((fill.price * fill.amount for fill in fills), ZERO)
    return abs(brought - decided.expected_price * amount) <= decided.tick * amount
