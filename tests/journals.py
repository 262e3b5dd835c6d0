"""Journals of any length, lifelike in kind and proportion: a signal now and then taken, laddered, filled and closed."""

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path

from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain import events as ev
from shared.domain.signals import Side
from shared.wire.journal_codec import encode_event

START_MS = 1_736_121_600_000  # 2025-01-06T00:00Z
MINUTE_MS = 60_000
# As in the default run: 146 signals, 11 taken.
_SIGNALS_A_TRADE = 13
_LEVELS = 3


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


def life() -> Iterator[ev.Event]:
    """The events of a run without an end: a trade a minute."""
    yield ev.RunStarted(
        at_ms=START_MS, hummingbot="20260126", script="recovery_dca.py", balances={"paper": {"USDT": Decimal(100_000)}}
    )
    number = 0
    while True:
        yield from trade(number, START_MS + number * MINUTE_MS)
        number += 1


def trade(number: int, at_ms: int) -> Iterator[ev.Event]:
    """One taken signal to its end, and the signals refused while it was open."""
    signal_id, executor_id = f"recovery_dca_BTC-USDT@{number}/BUY", f"executor-{number}"
    price = Decimal(60_000) - number % 977
    amount = Decimal("0.00123457")
    for place in range(_SIGNALS_A_TRADE):
        yield ev.SignalDecided(
            at_ms=at_ms + place,
            signal_id=signal_id if place == 0 else f"{signal_id}-{place}",
            controller_id="recovery_dca_BTC-USDT",
            strategy="recovery_dca",
            pair="BTC-USDT",
            side=Side.BUY,
            candle_close_ms=at_ms,
            price=float(price),
            confidence=0.5 + (number % 50) / 100,
            thresholds={"drop_threshold": 0.03, "lookback_candles": 240.0},
            values={"drop": 0.031, "high": 62000.5},
            reason=None if place == 0 else "position_open",
        )
    chain = {"signal_id": signal_id, "pair": "BTC-USDT"}
    yield ev.ExecutorOpened(
        at_ms=at_ms + 20,
        executor_id=executor_id,
        controller_id="recovery_dca_BTC-USDT",
        account="paper",
        side=Side.BUY,
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
        side=Side.SELL,
        price=price + number % 101 - 40,
        amount=amount * 3 / 2,
        fee_quote=Decimal("0.11111120"),
        **chain,
    )
    yield ev.OrderCompleted(at_ms=at_ms + 42, order_id=f"order-{number}-x", signal_id=signal_id)
    pnl = (
        (price + number % 101 - 40) * amount * 3 / 2 - price * amount - (price - 1) * amount / 2 - Decimal("0.25925946")
    )
    yield ev.ExecutorClosed(
        at_ms=at_ms + 43,
        executor_id=executor_id,
        signal_id=signal_id,
        close_type="TAKE_PROFIT" if pnl > 0 else "STOP_LOSS",
        reported_pnl_quote=pnl,
        reported_fees_quote=Decimal("0.25925946"),
    )
