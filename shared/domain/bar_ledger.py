"""The bars of one series put in order: each settled once, one after the other, whatever order and however often they come.

A bar settles when it is final and every bar before it has settled. Final is what the source calls closed, and what the very
next bar has followed. The second kind is settled as last seen and counts as missing until the source's history confirms it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from shared.domain.bars import Bar, Series, Span


class Outcome(StrEnum):
    """What became of a bar."""

    NEW = "new"
    REVISED = "revised"  # the source changed it after it had settled
    EMPTY = "empty"  # the source had none: flat at the last close, without volume; served, never stored


@dataclass(frozen=True, slots=True)
class Settled:
    """One bar that may be decided on.

    Attributes:
        bar: Not `is_closed` where only its successor made it final: its history is asked for, and may revise it.
        outcome: What became of it.
        revision: Changes since it first settled, as far as the ledger remembers.
    """

    bar: Bar
    outcome: Outcome
    revision: int


class BarLedger:
    """What is known of one series.

    Memory is bounded whatever comes: `kept` settled bars, and at most as many held after a hole. A bar further ahead than that
    is not held; it is missing when its turn comes.

    Attributes:
        revised: Bars that changed after they had settled.
        empty: Bars the source never had.
        duplicates: Bars that said nothing new.
    """

    def __init__(self, series: Series, since_ms: int, *, kept: int = 1500) -> None:
        """Begin with nothing.

        Args:
            series: Whose bars these are.
            since_ms: Open of the first bar to settle, UTC epoch milliseconds.
            kept: Settled bars to remember.

        Raises:
            ValueError: `since_ms` is no open of the series, or nothing is kept.
        """
        if kept < 1:
            raise ValueError(f"kept = {kept}: must be at least 1")
        self.series = series
        self.revised = 0
        self.empty = 0
        self.duplicates = 0
        self._step_ms = series.step_ms
        self._capacity = kept
        self._next_ms = self._aligned(since_ms)
        self._settled: dict[int, Settled] = {}  # the newest ones, without a hole up to `next_ms`
        self._held: dict[int, Bar | None] = {}  # final ones after a hole; None: verified empty
        self._forming: Bar | None = None
        self._unconfirmed: set[int] = set()

    @property
    def next_ms(self) -> int:
        """Open of the first bar that has not settled, UTC epoch milliseconds."""
        return self._next_ms

    def offer(self, bar: Bar) -> list[Settled]:
        """Take a bar as the stream has it.

        Args:
            bar: Of this series and without a defect (`bar_checks`): late, early, again, changed or not yet closed.

        Returns:
            What settles now, or changed after it had settled, ascending; often nothing.

        Raises:
            ValueError: The bar is of another series, or opens off the timeframe.
        """
        self._check(bar)
        before = self._ended_by(bar)
        settled = [] if before is None else self._take(before)
        if bar.is_closed:
            settled += self._take(bar)
        elif self._is_unknown(bar.open_ms):
            self._forming = bar
        else:
            self.duplicates += 1
        return settled

    def fill(self, span: Span, bars: Iterable[Bar]) -> list[Settled]:
        """Take a whole answer of the source's history: what is not in it never was.

        A bar that the stream reported stays even where history has none. One that is not closed says nothing.

        Args:
            span: What was asked for. Bars that it cuts are not verified by it.
            bars: All closed bars opened in it, in any order.

        Returns:
            What settles now, or changed after it had settled, ascending.

        Raises:
            ValueError: As `offer`.
        """
        found = {}
        for bar in bars:
            self._check(bar)
            found[bar.open_ms] = bar
        first_ms = -(-span.since_ms // self._step_ms) * self._step_ms
        verified = range(first_ms, span.until_ms - self._step_ms + 1, self._step_ms)
        settled: list[Settled] = []
        for open_ms in sorted(found.keys() | set(verified)):
            bar_there = found.get(open_ms)
            if bar_there is None:
                settled += self._take_empty(open_ms)
            elif bar_there.is_closed:
                settled += self._take(bar_there)
        return settled

    def interrupted(self) -> None:
        """The stream broke off: what was not closed then has missed trades, and no successor makes it final."""
        self._forming = None

    def missing(self, now_ms: float, grace_ms: float) -> list[Span]:
        """What to ask the source's history for.

        Args:
            now_ms: The source's clock, UTC epoch milliseconds.
            grace_ms: Time that a bar may take to come after it is over.

        Returns:
            Stretches of bars, over for longer than the grace, that are neither here nor verified empty, and of bars that only
            their successor made final; ascending, with known bars between them.
        """
        end_ms = int(now_ms - grace_ms) // self._step_ms * self._step_ms
        if end_ms <= self._next_ms and not self._unconfirmed:  # as nearly always, and asked every second
            return []
        stretches = [(open_ms, open_ms + self._step_ms) for open_ms in self._unconfirmed if open_ms < end_ms]
        since_ms = self._next_ms
        for open_ms in sorted(self._held):
            stretches.append((since_ms, min(open_ms, end_ms)))
            since_ms = open_ms + self._step_ms
        stretches.append((since_ms, end_ms))
        return list(_joined(sorted(stretch for stretch in stretches if stretch[0] < stretch[1])))

    def window(self, count: int) -> list[Bar]:
        """The newest settled bars, ascending and without a hole; fewer than `count` where no more are kept."""
        reach = min(max(count, 0), len(self._settled))
        opens = range(self._next_ms - reach * self._step_ms, self._next_ms, self._step_ms)
        return [self._settled[open_ms].bar for open_ms in opens]

    def _check(self, bar: Bar) -> None:
        if bar.series != self.series:
            raise ValueError(f"a bar of {bar.series} offered to the ledger of {self.series}")
        self._aligned(bar.open_ms)

    def _aligned(self, open_ms: int) -> int:
        if open_ms % self._step_ms:
            raise ValueError(f"{open_ms}: must be the open of a bar of {self.series.timeframe}")
        return open_ms

    def _is_unknown(self, open_ms: int) -> bool:
        return open_ms >= self._next_ms and open_ms not in self._held

    def _ended_by(self, bar: Bar) -> Bar | None:
        forming = self._forming
        if forming is None or bar.open_ms < forming.open_ms:
            return None
        self._forming = None
        # Only the very next bar tells that nothing was missed between the two.
        is_followed = bar.open_ms == forming.close_ms and self._is_unknown(forming.open_ms)
        return forming if is_followed else None

    def _take(self, bar: Bar) -> list[Settled]:
        if bar.open_ms < self._next_ms:
            return self._revise(bar)
        held = self._held.get(bar.open_ms)
        if held is not None and held.is_closed and held.prices == bar.prices:
            self.duplicates += 1
            return []
        return self._hold(bar.open_ms, bar)

    def _take_empty(self, open_ms: int) -> list[Settled]:
        self._unconfirmed.discard(open_ms)
        return self._hold(open_ms, None) if self._is_unknown(open_ms) else []

    def _hold(self, open_ms: int, bar: Bar | None) -> list[Settled]:
        if open_ms >= self._next_ms + self._capacity * self._step_ms:
            return []
        self._held[open_ms] = bar
        self._confirm(open_ms, bar is None or bar.is_closed)
        settled: list[Settled] = []
        while self._next_ms in self._held:
            settled += self._settle(self._held.pop(self._next_ms))
        return settled

    def _confirm(self, open_ms: int, is_confirmed: bool) -> None:
        if is_confirmed:
            self._unconfirmed.discard(open_ms)
        else:
            self._unconfirmed.add(open_ms)

    def _settle(self, bar: Bar | None) -> list[Settled]:
        open_ms = self._next_ms
        self._next_ms += self._step_ms
        if bar is not None:
            settled = Settled(bar, Outcome.NEW, 0)
        elif self._settled:
            self.empty += 1
            settled = Settled(self._flat(open_ms), Outcome.EMPTY, 0)
        else:
            return []  # no close before it to be flat at
        self._settled[open_ms] = settled
        if len(self._settled) > self._capacity:
            oldest_ms = open_ms - self._capacity * self._step_ms
            del self._settled[oldest_ms]
            self._unconfirmed.discard(oldest_ms)
        return [settled]

    def _flat(self, open_ms: int) -> Bar:
        close = self._settled[open_ms - self._step_ms].bar.close
        return Bar(self.series, open_ms, close, close, close, close, Decimal(0), is_closed=True)

    def _revise(self, bar: Bar) -> list[Settled]:
        known = self._settled.get(bar.open_ms)
        if known is None:  # older than what is kept: whether it changed only the store can tell
            self.revised += 1
            return [Settled(bar, Outcome.REVISED, 1)]
        was_confirmed = bar.open_ms not in self._unconfirmed
        self._unconfirmed.discard(bar.open_ms)
        if known.outcome is not Outcome.EMPTY and known.bar.prices == bar.prices:
            self.duplicates += was_confirmed
            self._settled[bar.open_ms] = replace(known, bar=bar)
            return []
        self.empty -= known.outcome is Outcome.EMPTY
        self.revised += 1
        settled = Settled(bar, Outcome.REVISED, known.revision + 1)
        self._settled[bar.open_ms] = settled
        return [settled, *self._flattened_after(bar)]

    def _flattened_after(self, bar: Bar) -> list[Settled]:
        """Bars that were empty after one that changed are flat at its close, which may be another one now."""
        settled: list[Settled] = []
        open_ms = bar.close_ms
        while (known := self._settled.get(open_ms)) is not None and known.outcome is Outcome.EMPTY:
            if known.bar.close == bar.close:
                break
            known = Settled(self._flat(open_ms), Outcome.EMPTY, known.revision + 1)
            self._settled[open_ms] = known
            settled.append(known)
            open_ms += self._step_ms
        return settled


def _joined(stretches: Iterable[tuple[int, int]]) -> Iterator[Span]:
    """Stretches that touch, as one."""
    since_ms, until_ms = None, 0
    for begin_ms, end_ms in stretches:
        if since_ms is not None and begin_ms > until_ms:
            yield Span(since_ms, until_ms)
            since_ms = None
        since_ms = begin_ms if since_ms is None else since_ms
        until_ms = max(until_ms, end_ms)
    if since_ms is not None:
        yield Span(since_ms, until_ms)
