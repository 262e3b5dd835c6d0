"""Runs with trades as they are journaled now: terms, causes, phases and times of day."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from shared.domain import events as ev
from shared.domain.signals import Side

START_MS = 1_736_121_600_000  # 2025-01-06T00:00Z
MINUTE_MS = 60_000
SPOT, PERPETUAL = "binance_paper_trade", "binance_perpetual_paper_trade"
FEE = Decimal("0.001")


def started(market: str = "") -> ev.RunStarted:
    """The start of a run."""
    return ev.RunStarted(
        at_ms=START_MS, hummingbot="20260126", script="recovery_all.py", balances={SPOT: {}}, market=market
    )


def stopped(minute: float) -> ev.RunStopped:
    """The end of a run."""
    return ev.RunStopped(at_ms=at(minute), balances={SPOT: {}})


def at(minute: float) -> int:
    """So many minutes after the start."""
    return START_MS + int(minute * MINUTE_MS)


def signal(
    minute: float,
    *,
    strategy: str = "recovery_dca",
    pair: str = "BTC-USDT",
    side: Side = Side.BUY,
    price: float = 100.0,
    reason: str | None = None,
    phase: int | None = 2,
) -> ev.SignalDecided:
    """A signal of the candle that closed at that minute, decided 4 ms later."""
    return ev.SignalDecided(
        at_ms=at(minute) + 4,
        signal_id=f"{strategy}_{pair}@{minute:g}/{side}",
        controller_id=f"{strategy}_{pair}",
        strategy=strategy,
        pair=pair,
        side=side,
        candle_close_ms=at(minute),
        price=price,
        confidence=0.5,
        thresholds={},
        values={},
        reason=reason,
        phase=phase,
        config_id=None if phase is None else f"config-{phase}",
    )


def evaluated(strategy: str, pair: str, count: int, unevaluated: int = 0, phase: int | None = 2) -> ev.CandlesEvaluated:
    """Candles a rule looked at in the first hour."""
    return ev.CandlesEvaluated(
        at_ms=at(60),
        controller_id=f"{strategy}_{pair}",
        strategy=strategy,
        pair=pair,
        phase=phase,
        config_id=f"config-{phase}",
        since_ms=START_MS,
        until_ms=at(60),
        evaluated=count,
        unevaluated=unevaluated,
    )


def terms(*prices: str, amount_quote: str = "100", **changes: Any) -> ev.PositionTerms:
    """A ladder of levels of one size with every barrier."""
    values: dict[str, Any] = {
        "prices": tuple(map(Decimal, prices)),
        "amounts_quote": tuple(Decimal(amount_quote) for _ in prices),
        "take_profit": Decimal("0.01"),
        "stop_loss": Decimal("0.04"),
        "trailing_activation": None,
        "trailing_delta": None,
        "time_limit_s": 7200,
        "leverage": 1,
    }
    return ev.PositionTerms(**values | changes)


@dataclass
class Position:
    """Writes the events of a position, each at its minute."""

    signal: ev.SignalDecided
    terms: ev.PositionTerms | None
    account: str = SPOT
    events: list[ev.Event] = field(default_factory=list)
    _orders: int = 0

    def __post_init__(self) -> None:
        self.events.append(self.signal)
        self.events.append(
            ev.ExecutorOpened(
                at_ms=self.signal.at_ms,
                executor_id=self.executor_id,
                signal_id=self.signal.signal_id,
                controller_id=self.signal.controller_id,
                account=self.account,
                pair=self.signal.pair,
                side=self.signal.side,
                terms=self.terms,
            )
        )

    @property
    def executor_id(self) -> str:
        return f"Executor{self.signal.at_ms}{self.signal.pair}"

    def order(
        self,
        minute: float,
        amount: str,
        *,
        limit: str | None = None,
        fills: Sequence[tuple[float, str, str]] = (),
        code: str | None = None,
    ) -> "Position":
        """An order with fills of (minute, price, amount), each with a fee of 0.1 %; a market order is an exit."""
        self._orders += 1
        order_id = f"{self.executor_id}-{self._orders}"
        side = self.signal.side if limit else self.signal.side.opposite
        chain: dict[str, Any] = {"order_id": order_id, "signal_id": self.signal.signal_id}
        self.events.append(
            ev.OrderSubmitted(
                at_ms=at(minute),
                executor_id=self.executor_id,
                account=self.account,
                pair=self.signal.pair,
                side=side,
                order_type="LIMIT" if limit else "MARKET",
                price=Decimal(limit) if limit else None,
                amount=Decimal(amount),
                closing=limit is None,
                **chain,
            )
        )
        for number, (filled_at, price, part) in enumerate(fills):
            self.events.append(
                ev.OrderFilled(
                    at_ms=at(filled_at),
                    trade_id=f"{order_id}-{number}",
                    pair=self.signal.pair,
                    side=side,
                    price=Decimal(price),
                    amount=Decimal(part),
                    fee_quote=Decimal(price) * Decimal(part) * FEE,
                    **chain,
                )
            )
        if code:
            self.events.append(ev.OrderFailed(at_ms=at(minute), code=code, message="refused", **chain))
        return self

    def decide(self, minute: float, cause: str, barrier_price: str | None = None) -> "Position":
        """The decision to close it."""
        self.events.append(
            ev.ExitDecided(
                at_ms=at(minute),
                executor_id=self.executor_id,
                signal_id=self.signal.signal_id,
                cause=cause,
                barrier_price=Decimal(barrier_price) if barrier_price else None,
                best_price=None,
                expected_price=None,
                tick=Decimal("0.01"),
                untouched_at_ms=None,
            )
        )
        return self

    def close(self, minute: float, close_type: str) -> "Position":
        """Its end."""
        self.events.append(
            ev.ExecutorClosed(
                at_ms=at(minute),
                executor_id=self.executor_id,
                signal_id=self.signal.signal_id,
                close_type=close_type,
                reported_pnl_quote=Decimal(0),
                reported_fees_quote=Decimal(0),
            )
        )
        return self


def ladder() -> Position:
    """Bought at two of three levels, sold at the take profit."""
    position = Position(signal(5, price=93500.0), terms("93500", "92565", "91630"))
    position.order(5.001, "0.001", limit="93500", fills=[(5.002, "93490.5", "0.001")])
    position.order(5.017, "0.001", limit="92565", fills=[(9.5, "92565", "0.0004"), (9.6, "92565", "0.0006")])
    position.order(5.034, "0.001", limit="91630")
    position.decide(20, "TAKE_PROFIT", "94051")
    return position.order(20, "0.002", fills=[(20.001, "94060", "0.002")]).close(20.02, "TAKE_PROFIT")


def short() -> Position:
    """Sold on a perpetual and bought back over midnight, because the channel broke."""
    opening = signal(30, strategy="recovery_channel", pair="ETH-USDT", side=Side.SELL, price=3400.0)
    position = Position(opening, terms("3398.3", time_limit_s=None), account=PERPETUAL)
    position.order(30.001, "0.05", limit="3398.3", fills=[(30.002, "3399", "0.05")])
    position.decide(1450, "channel_broken")
    return position.order(1450, "0.05", fills=[(1450.001, "3441.5", "0.05")]).close(1450.1, "EARLY_STOP")


def still_open() -> Position:
    """Bought at its first level and held."""
    position = Position(signal(40, pair="SOL-USDT", price=210.0), terms("210.1", "208"))
    return position.order(40.001, "0.4", limit="210.1", fills=[(40.002, "209.99", "0.4")]).order(
        40.02, "0.4", limit="208"
    )


def busy_run() -> list[ev.Event]:
    """Two trades closed and one open, signals refused, one that vanished, one whose orders failed; still on."""
    failed = Position(signal(45, pair="SOL-USDT", phase=2), terms("209"))
    failed.order(45.001, "0.01", limit="209", code="-1013").close(46, "FAILED")
    refused = [signal(minute, reason="position_open") for minute in range(6, 18)]
    refused += [signal(minute, pair="ETH-USDT", reason="max_positions_per_strategy") for minute in (10, 11)]
    refused += [signal(12, strategy="recovery_channel", pair="ETH-USDT", side=Side.SELL, reason="short_on_spot")]
    return [
        started("simulated, seed 1"),
        *refused,
        signal(18, pair="ETH-USDT"),
        *(event for part in (ladder(), short(), still_open(), failed) for event in part.events),
        evaluated("recovery_dca", "BTC-USDT", 1440),
        evaluated("recovery_dca", "ETH-USDT", 1438, unevaluated=2),
        evaluated("recovery_dca", "SOL-USDT", 1440),
        evaluated("recovery_channel", "ETH-USDT", 288),
        evaluated("recovery_swing", "ETH-USDT", 288),
    ]


def refused_everything() -> list[ev.Event]:
    """Every signal is below the venue's minimum."""
    events: list[ev.Event] = [started("live"), evaluated("recovery_dca", "BTC-USDT", 60)]
    return [*events, *(signal(minute, reason="below_minimum_order") for minute in range(60)), stopped(60)]
