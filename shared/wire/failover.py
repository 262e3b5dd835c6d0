"""Which source all pairs are served from, decided on a pair so liquid that each of its minutes has a bar: the canary.

Each source stands somewhere by its own canary bars (`TRANSITIONS`); from where they stand follows who is in use:

- The one in use stays until it is out. A single late bar changes nothing.
- One that is out is left at once, for the best source that is backfilled and was on time; for none where there is no such.
- A better source gets its place back once it is proven and backfilled, and the last switch is long enough ago.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

_MINUTE_MS = 60_000


class Standing(StrEnum):
    """What a source's canary says of it."""

    UNSEEN = "unseen"  # no minute of it was judged yet
    ON_TIME = "on time"
    PROVEN = "proven"  # on time for many minutes in a row
    LATE = "late"
    OUT = "out"


class Heard(StrEnum):
    """What can happen to a source."""

    CAME = "came"
    CAME_OFTEN = "came often"  # so many in a row that it is proven
    MISSED = "missed"
    MISSED_OFTEN = "missed often"  # so many in a row that it is out
    FAILED = "failed"  # it said itself that nothing will come


TRANSITIONS: Mapping[tuple[Standing, Heard], Standing] = {
    (Standing.UNSEEN, Heard.CAME): Standing.ON_TIME,
    (Standing.ON_TIME, Heard.CAME): Standing.ON_TIME,
    (Standing.PROVEN, Heard.CAME): Standing.ON_TIME,  # its run was cut by minutes that nobody judged
    (Standing.LATE, Heard.CAME): Standing.ON_TIME,
    (Standing.OUT, Heard.CAME): Standing.ON_TIME,
    (Standing.UNSEEN, Heard.MISSED): Standing.LATE,
    (Standing.ON_TIME, Heard.MISSED): Standing.LATE,
    (Standing.PROVEN, Heard.MISSED): Standing.LATE,
    (Standing.LATE, Heard.MISSED): Standing.LATE,
    (Standing.OUT, Heard.MISSED): Standing.OUT,
    **{(standing, Heard.CAME_OFTEN): Standing.PROVEN for standing in Standing},
    **{(standing, Heard.MISSED_OFTEN): Standing.OUT for standing in Standing},
    **{(standing, Heard.FAILED): Standing.OUT for standing in Standing},
}
_MAY_STEP_IN = frozenset({Standing.UNSEEN, Standing.ON_TIME, Standing.PROVEN})


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows for the pairs.

    Attributes:
        in_use: The source they are served from; None: no source can be relied on.
        prepare: Sources to backfill from their last good bar, the best first. Named again until `backfilled` is told.
        switched: `in_use` is another one than before.
        reason: Why it switched, one sentence; empty where it did not.
    """

    in_use: str | None
    prepare: tuple[str, ...]
    switched: bool
    reason: str


@dataclass(slots=True)
class _Source:
    standing: Standing = Standing.UNSEEN
    came: int = 0  # in a row, as is `missed`
    missed: int = 0
    is_backfilled: bool = False
    cause: str = ""


class Failover:
    """The choice, over time. Nothing is in use until a source is backfilled."""

    def __init__(
        self, ranked: Sequence[str], *, leave_after: int = 2, return_after: int = 5, dwell_s: float = 300
    ) -> None:
        """Begin with nothing known.

        Args:
            ranked: Sources that have bars, the preferred one first.
            leave_after: Canary bars missed in a row after which a source is out.
            return_after: Canary bars on time in a row after which a better source may come back.
            dwell_s: Least time between a switch and one back to a better source.

        Raises:
            ValueError: No source, one twice, or a count below one.
        """
        if not ranked or len(set(ranked)) != len(ranked):
            raise ValueError(f"ranked = {list(ranked)}: must be sources, each once")
        if leave_after < 1 or return_after < 1:
            raise ValueError(f"leave_after = {leave_after}, return_after = {return_after}: must be at least 1")
        self._sources = {name: _Source() for name in ranked}
        self._leave_after = leave_after
        self._return_after = return_after
        self._dwell_s = dwell_s
        self._in_use: str | None = None
        self._switched_s: float | None = None
        self._judged_ms: int | None = None

    @property
    def in_use(self) -> str | None:
        """The source pairs are served from."""
        return self._in_use

    def standing(self, source: str) -> Standing:
        """Where a source stands."""
        return self._known(source).standing

    def is_fit(self, source: str) -> bool:
        """Whether pairs could be served from it, once it is backfilled."""
        return self._known(source).standing in _MAY_STEP_IN

    @property
    def due(self) -> Decision:
        """What holds now, e.g. which sources to prepare at the start."""
        return self._decision(switched=False, reason="")

    def minute_over(self, open_ms: int, on_time: Mapping[str, bool], now_s: float) -> Decision:
        """A minute of the canary is over, and the time its bar may take too.

        Args:
            open_ms: Open of the minute, UTC epoch milliseconds. One that was judged already changes nothing.
            on_time: Whether each source had its bar by now; a source left out had not.
            now_s: Monotonic clock, seconds.
        """
        if self._judged_ms is not None and open_ms <= self._judged_ms:
            return self.due
        is_next = self._judged_ms is None or open_ms == self._judged_ms + _MINUTE_MS
        self._judged_ms = open_ms
        for name, source in self._sources.items():
            if not is_next:
                source.came, source.is_backfilled = 0, False  # nobody saw what it did in between
            self._judge(source, on_time.get(name, False))
        return self._choose(now_s, may_wait=False)

    def backfilled(self, source: str, now_s: float) -> Decision:
        """A source's bars reach to the newest one without a hole. Of one that is late now this says nothing: its hole grows."""
        filled = self._known(source)
        filled.is_backfilled = filled.standing in _MAY_STEP_IN
        return self._choose(now_s, may_wait=True)

    def failed(self, source: str, reason: str, now_s: float) -> Decision:
        """A source said that it will not serve, e.g. it refused the key. A canary bar of it on time proves otherwise."""
        failing = self._known(source)
        failing.came, failing.is_backfilled = 0, False
        failing.standing = TRANSITIONS[failing.standing, Heard.FAILED]
        failing.cause = reason
        return self._choose(now_s, may_wait=True)

    def _known(self, source: str) -> _Source:
        if source not in self._sources:
            raise ValueError(f"source = {source!r}: must be one of {', '.join(self._sources)}")
        return self._sources[source]

    def _judge(self, source: _Source, came: bool) -> None:
        if came:
            source.came, source.missed = source.came + 1, 0
            heard = Heard.CAME_OFTEN if source.came >= self._return_after else Heard.CAME
        else:
            source.came, source.missed = 0, source.missed + 1
            source.is_backfilled = False  # there is a hole now
            heard = Heard.MISSED_OFTEN if source.missed >= self._leave_after else Heard.MISSED
        source.standing = TRANSITIONS[source.standing, heard]
        if source.standing is Standing.OUT:
            source.cause = f"{source.missed} canary bars in a row were not on time"

    def _choose(self, now_s: float, *, may_wait: bool) -> Decision:
        current = self._in_use
        if current is None or self._sources[current].standing is Standing.OUT:
            stand_in = self._stand_in(may_wait=may_wait and current is None)
            if stand_in == current:
                return self.due
            return self._switch(stand_in, now_s, self._reason_to_leave(current, stand_in))
        better = self._better_than(current)
        if better is None or (self._switched_s is not None and now_s - self._switched_s < self._dwell_s):
            return self.due
        return self._switch(better, now_s, f"{better} is back: on time for {self._sources[better].came} minutes")

    def _stand_in(self, *, may_wait: bool) -> str | None:
        """The best source that is ready. Between two minutes it waits for a better one that is being prepared."""
        for name, source in self._sources.items():
            if source.standing not in _MAY_STEP_IN:
                continue
            if source.is_backfilled:
                return name
            if may_wait:
                return None
        return None

    def _better_than(self, current: str) -> str | None:
        for name, source in self._sources.items():
            if name == current:
                return None
            if source.standing is Standing.PROVEN and source.is_backfilled:
                return name
        return None

    def _reason_to_leave(self, current: str | None, stand_in: str | None) -> str:
        if current is None:
            return f"{stand_in} is ready"
        cause = f"{current} is out: {self._sources[current].cause}"
        return cause if stand_in is not None else f"{cause}; no other source is ready"

    def _switch(self, to: str | None, now_s: float, reason: str) -> Decision:
        self._in_use = to
        self._switched_s = now_s
        return self._decision(switched=True, reason=reason)

    def _decision(self, *, switched: bool, reason: str) -> Decision:
        prepare = tuple(
            name
            for name, source in self._sources.items()
            if not source.is_backfilled and source.standing in _MAY_STEP_IN and name != self._in_use
        )
        return Decision(self._in_use, prepare, switched, reason)
