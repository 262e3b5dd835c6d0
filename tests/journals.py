"""Journals of any length, lifelike in kind and proportion: a signal now and then taken, laddered, filled and closed."""

import sqlite3
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain import events as ev
from shared.domain.signals import Side
from shared.wire.journal_codec import encode_event

START_MS = 1_736_121_600_000  # 2025-01-06T00:00Z
MINUTE_MS = 60_000
# As in the default run: 146 signals, 11 taken.
_SIGNALS_A_TRADE = 13
_LEVELS = 3
_OF_THE_RULE: dict[str, Any] = {
    "controller_id": "recovery_dca_BTC-USDT",
    "strategy": "recovery_dca",
    "pair": "BTC-USDT",
    "phase": 1,
    "config_id": "0123456789abcdef",
}


def write_journal(path: Path, run_id: str, events: int) -> int:
    """Append a run of so many events, in one transaction, because one each would take minutes. Returns its last number."""
    SqliteJournal(path, run_id).close()
    database = sqlite3.connect(path)
    with database:
        database.executemany(
            "INSERT INTO events (run_id, at_ms, kind, signal_id, payload) VALUES (?, ?, ?, ?, ?)",
            (
                (run_id, event.at_ms, event.kind, getattr(event, "signal_id", None), encode_event(event))
                for event in islice(life(), events)
            ),
        )
    (last,) = database.execute("SELECT max(seq) FROM events").fetchone()
    database.close()
    return int(last)


def write_phase_change(path: Path, run_id: str) -> None:
    """Append a change of phase, under an id of its own as `recovery phase` does."""
    journal = SqliteJournal(path, run_id)
    journal.append(phase_changed())
    journal.close()


def life() -> Iterator[ev.Event]:
    """The events of a run without an end: a candle a minute, each with a trade."""
    yield ev.RunStarted(
        at_ms=START_MS,
        hummingbot="20260126",
        script="recovery_dca.py",
        balances={"paper": {"USDT": Decimal(100_000)}},
        market="synthetic, seed 1",
    )
    yield config_applied()
    number = 0
    while True:
        yield from trade(number, START_MS + number * MINUTE_MS)
        number += 1


def config_applied() -> ev.ConfigApplied:
    """A configuration as a controller starts with it."""
    settings = {"drop_threshold": "0.03", "levels": "5", "take_profit": "0.01", "total_amount_quote": "200"}
    return ev.ConfigApplied(at_ms=START_MS, source="start", old={}, new=settings, **_OF_THE_RULE)


def phase_changed() -> ev.PhaseChanged:
    """The gate of phase 1 passed."""
    evidence = {"closed trades": "PASSED: 11 of 10", "fills reconcile": "PASSED: 0 mismatches"}
    return ev.PhaseChanged(
        at_ms=START_MS, from_phase=1, to_phase=2, forced=False, reason="the gate passed", evidence=evidence
    )


def trade(number: int, at_ms: int) -> Iterator[ev.Event]:
    """One candle: a taken signal to its end, and the signals refused while it was open."""
    signal_id, executor_id = f"recovery_dca_BTC-USDT@{number}/BUY", f"executor-{number}"
    price = Decimal(60_000) - number % 977
    amount = Decimal("0.00123457")
    yield from signals(number, at_ms, signal_id, price)
    chain = {"signal_id": signal_id, "pair": "BTC-USDT"}
    yield ev.ExecutorOpened(
        at_ms=at_ms + 20,
        executor_id=executor_id,
        controller_id=_OF_THE_RULE["controller_id"],
        account="paper",
        side=Side.BUY,
        terms=terms(price, amount),
        **chain,
    )
    order = {"executor_id": executor_id, "account": "paper", **chain}
    for level in range(_LEVELS):
        yield ev.OrderSubmitted(
            at_ms=at_ms + 21,
            order_id=f"order-{number}-{level}",
            side=Side.BUY,
            order_type="LIMIT",
            price=price - level,
            amount=amount,
            closing=False,
            **order,
        )
    yield ev.OrderFailed(
        at_ms=at_ms + 22,
        order_id=f"order-{number}-2",
        signal_id=signal_id,
        code="-2010",
        message="insufficient balance",
    )
    for level in range(_LEVELS - 1):
        yield ev.OrderFilled(
            at_ms=at_ms + 30,
            trade_id=f"fill-{number}-{level}",
            order_id=f"order-{number}-{level}",
            side=Side.BUY,
            price=price - level,
            amount=amount / 2 if level else amount,
            fee_quote=Decimal("0.07407413"),
            **chain,
        )
    yield ev.OrderCompleted(at_ms=at_ms + 30, order_id=f"order-{number}-0", signal_id=signal_id)
    yield from ending(number, at_ms, order, price, amount)


def signals(number: int, at_ms: int, signal_id: str, price: Decimal) -> Iterator[ev.Event]:
    """What the rule saw in a candle: the first signal is taken, the others are refused."""
    confidence = 0.5 + (number % 50) / 100
    yield ev.CandlesEvaluated(at_ms=at_ms, since_ms=at_ms, until_ms=at_ms, evaluated=1, unevaluated=0, **_OF_THE_RULE)
    for place in range(_SIGNALS_A_TRADE):
        yield ev.SignalDecided(
            at_ms=at_ms + place,
            signal_id=signal_id if place == 0 else f"{signal_id}-{place}",
            side=Side.BUY,
            candle_close_ms=at_ms,
            price=float(price),
            confidence=confidence,
            thresholds={"drop_threshold": 0.03, "lookback_s": 14400.0},
            values={"drop": 0.031, "window_high": 62000.5, "close": float(price)},
            reason=None if place == 0 else "position_open",
            components={"depth": confidence},
            adjustments={} if place else {"levels": "3 instead of 5: a level of 4 is below the venue's minimum of 5"},
            **_OF_THE_RULE,
        )


def terms(price: Decimal, amount: Decimal) -> ev.PositionTerms:
    """A ladder of equal steps down from a price, with all barriers."""
    return ev.PositionTerms(
        prices=tuple(price - level for level in range(_LEVELS)),
        amounts_quote=tuple((price - level) * amount for level in range(_LEVELS)),
        take_profit=Decimal("0.01"),
        stop_loss=Decimal("0.05"),
        trailing_activation=Decimal("0.008"),
        trailing_delta=Decimal("0.002"),
        time_limit_s=86_400,
        leverage=1,
    )


def ending(number: int, at_ms: int, order: Mapping[str, Any], price: Decimal, amount: Decimal) -> Iterator[ev.Event]:
    """A barrier is touched, the open level cancelled, and one and a half levels are closed at market."""
    executor_id, signal_id, pair = order["executor_id"], order["signal_id"], order["pair"]
    closed_at = price + number % 101 - 40
    pnl = closed_at * amount * 3 / 2 - price * amount - (price - 1) * amount / 2 - Decimal("0.25925946")
    cause = "TAKE_PROFIT" if pnl > 0 else "STOP_LOSS"
    yield ev.ExitDecided(
        at_ms=at_ms + 39,
        executor_id=executor_id,
        signal_id=signal_id,
        cause=cause,
        barrier_price=closed_at,
        best_price=closed_at,
        expected_price=closed_at,
        tick=Decimal("0.01"),
        untouched_at_ms=at_ms + 38,
    )
    yield ev.OrderCancelled(at_ms=at_ms + 40, order_id=f"order-{number}-1", signal_id=signal_id)
    yield ev.OrderSubmitted(
        at_ms=at_ms + 41,
        order_id=f"order-{number}-x",
        side=Side.SELL,
        order_type="MARKET",
        price=None,
        amount=amount * 3 / 2,
        closing=True,
        **order,
    )
    yield ev.OrderFilled(
        at_ms=at_ms + 42,
        trade_id=f"fill-{number}-x",
        order_id=f"order-{number}-x",
        signal_id=signal_id,
        pair=pair,
        side=Side.SELL,
        price=closed_at,
        amount=amount * 3 / 2,
        fee_quote=Decimal("0.11111120"),
    )
    yield ev.OrderCompleted(at_ms=at_ms + 42, order_id=f"order-{number}-x", signal_id=signal_id)
    yield ev.ExecutorClosed(
        at_ms=at_ms + 43,
        executor_id=executor_id,
        signal_id=signal_id,
        close_type=cause,
        reported_pnl_quote=pnl,
        reported_fees_quote=Decimal("0.25925946"),
    )
