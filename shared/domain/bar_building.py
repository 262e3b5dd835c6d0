"""Longer bars made of one-minute ones, and whether they agree with the source's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from shared.domain.bar_ledger import Outcome, Settled
from shared.domain.bars import Bar, Series
from shared.domain.stored import Timeframe

# Both are made of the same trades, so prices are the same but for how a float was written; volumes are summed in another order.
PRICE_TOLERANCE = Decimal("1e-9")
VOLUME_TOLERANCE = Decimal("1e-6")


class BarBuilder:
    """Bars of one timeframe, built of settled one-minute bars of one series.

    A bar is built once all its minutes have settled. One whose first minutes were never settled, as may be at the start, is
    never built: it would not be whole.

    Attributes:
        series: That of the bars built.
        too_old: Changes to minutes of bars that are no longer remembered; only the source's history can tell those bars.
    """

    def __init__(self, minutes: Series, timeframe: Timeframe, *, kept: int = 1500) -> None:
        """Begin with nothing.

        Args:
            minutes: The series of one-minute bars.
            timeframe: Of the bars to build.
            kept: Minutes to remember for revisions, as the ledger does; at least one whole bar.

        Raises:
            ValueError: The bars to build are not longer than those they are built of.
        """
        if timeframe.seconds <= minutes.timeframe.seconds:
            raise ValueError(f"{timeframe} bars cannot be built of {minutes.timeframe} ones")
        self.series = Series(minutes.source, minutes.symbol, timeframe)
        self.too_old = 0
        self._minutes = minutes
        self._size = timeframe.seconds // minutes.timeframe.seconds
        self._capacity = max(kept // self._size, 1)
        self._parts: dict[int, _Parts] = {}  # by open; the newest ones
        self._floor_ms: int | None = None  # opens before it are no longer remembered

    def add(self, settled: Settled) -> list[Settled]:
        """Take one settled minute, in the order the ledger gives them.

        Returns:
            The bar that it completes or changes; often nothing.

        Raises:
            ValueError: The minute is of another series.
        """
        minute = settled.bar
        if minute.series != self._minutes:
            raise ValueError(f"a bar of {minute.series} given to a builder of {self._minutes}")
        open_ms = minute.open_ms // self.series.step_ms * self.series.step_ms
        if self._floor_ms is not None and open_ms < self._floor_ms:
            self.too_old += 1
            return []
        parts = self._parts.setdefault(open_ms, _Parts())
        self._forget()
        parts.minutes[minute.open_ms] = settled
        return self._built(open_ms, parts) if len(parts.minutes) == self._size else []

    def _forget(self) -> None:
        if len(self._parts) > self._capacity:
            oldest_ms = min(self._parts)
            del self._parts[oldest_ms]
            self._floor_ms = oldest_ms + self.series.step_ms

    def _built(self, open_ms: int, parts: "_Parts") -> list[Settled]:
        minutes = [parts.minutes[at_ms] for at_ms in sorted(parts.minutes)]
        traded = [minute.bar for minute in minutes if minute.outcome is not Outcome.EMPTY]
        bar = build(self.series, open_ms, traded or [minutes[-1].bar])
        before = parts.built
        if before is None:
            parts.built = Settled(bar, Outcome.NEW if traded else Outcome.EMPTY, 0)
        elif before.bar.prices != bar.prices or (before.outcome is Outcome.EMPTY and traded):
            outcome = Outcome.REVISED if traded else Outcome.EMPTY
            parts.built = Settled(bar, outcome, before.revision + 1)
        else:
            return []
        return [parts.built]


@dataclass(slots=True)
class _Parts:
    minutes: dict[int, Settled] = field(default_factory=dict)
    built: Settled | None = None


def build(series: Series, open_ms: int, bars: Sequence[Bar]) -> Bar:
    """One bar of shorter ones.

    Args:
        series: Of the bar to build.
        open_ms: Its open, UTC epoch milliseconds.
        bars: At least one bar with trades, ascending.
    """
    return Bar(
        series=series,
        open_ms=open_ms,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=sum((bar.volume for bar in bars), Decimal(0)),
        is_closed=True,
    )


def differs(built: Bar, own: Bar) -> bool:
    """Whether a built bar is not what the source itself has for that time.

    Prices may differ by a fraction of 1e-9, volumes by one of 1e-6, which is how floats round; more is a trade too many or too
    few.

    Raises:
        ValueError: They are not bars of the same series and time.
    """
    if (built.series, built.open_ms) != (own.series, own.open_ms):
        raise ValueError(
            f"bars of {built.series} at {built.open_ms} and {own.series} at {own.open_ms} are not the same bar"
        )
    prices = zip(built.prices[:-1], own.prices[:-1], strict=True)
    return _is_apart(built.volume, own.volume, VOLUME_TOLERANCE) or any(
        _is_apart(mine, theirs, PRICE_TOLERANCE) for mine, theirs in prices
    )


def _is_apart(mine: Decimal, theirs: Decimal, tolerance: Decimal) -> bool:
    return abs(mine - theirs) > tolerance * max(abs(mine), abs(theirs))
