"""What goes wrong at the local venue, when and how often: the engine that every fake source asks before it acts.

A fault is in force from its beginning until its time is over, its count is used up or somebody lifts it. A fake takes it where
it would do the right thing, and does the wrong thing instead; only `take` uses a fault up. What begins while connections are
open is told to the fakes, so that a close or a stall comes at its moment and not at the next message.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

from shared.simulator.errors import SimulatorError
from shared.simulator.fault_kinds import SHAPES, Evict, Kind, Moment, Part, Where

_MOST_FAULTS = 10_000  # a soak's script holds hundreds


class FaultError(SimulatorError):
    """A fault that cannot be. The message is one sentence: field, value, what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        where: Source concerned.
        kind: What goes wrong.
        part: Its stream or its REST interface; None: each that knows the kind.
        symbol: In the source's own quote, "BTC-USD" at Polygon and "BTC-USDT" at Binance; None: every one.
        after_s: Seconds until it begins, from the venue's start or from the control call.
        at_ms: When it begins instead, UTC epoch milliseconds.
        for_s: Seconds it lasts; None: until `times` is used up, or until it is lifted.
        times: How many connections, bars or requests it hits (`Shape.counts`); None with `for_s`: all. With neither it is one,
            and a kind that counts nothing lasts until it is lifted.
        moment: When in a connection's life it hits; of the kinds that end one.
        code: Websocket close code; 1006 cuts the connection without one.
        status: HTTP status.
        retry_after_s: Sent as Retry-After.
        delay_s: How late or slow.
        skew_s: By how much the source's clock is ahead; negative: behind.
        evict: Which connection of a key has to go.
        size_bytes: Of a huge frame or answer.

    Raises:
        FaultError: The kind is none of this source or part, or has no such option.
    """

    where: Where
    kind: Kind
    part: Part | None = None
    symbol: str | None = None
    after_s: float = 0.0
    at_ms: int | None = None
    for_s: float | None = None
    times: int | None = None
    moment: Moment | None = None
    code: int | None = None
    status: int | None = None
    retry_after_s: float | None = None
    delay_s: float | None = None
    skew_s: float | None = None
    evict: Evict | None = None
    size_bytes: int | None = None

    def __post_init__(self) -> None:
        shape = SHAPES[self.kind]
        if self.where not in shape.where:
            raise FaultError(f"where = {self.where}: {self.kind} is a fault of {', '.join(shape.where)}")
        if self.part is not None and self.part not in shape.parts:
            raise FaultError(f"part = {self.part}: {self.kind} is a fault of the {' and the '.join(shape.parts)}")
        for name in ("moment", "code", "status", "retry_after_s", "delay_s", "skew_s", "evict", "size_bytes"):
            value = getattr(self, name)
            if value is not None and name not in shape.options:
                has = f"its options are {', '.join(shape.options)}" if shape.options else "it has no options"
                raise FaultError(f"{name} = {value}: {self.kind} has no such option; {has}")
            if value is None and name in shape.options:
                object.__setattr__(self, name, shape.options[name])
        if self.times is not None and not shape.counts:
            raise FaultError(f"times = {self.times}: {self.kind} hits nothing that could be counted; say for_s")

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it concerns."""
        return SHAPES[self.kind].parts if self.part is None else (self.part,)

    def concerns(self, symbol: str | None) -> bool:
        """Whether it is about this symbol; None: about something that has none."""
        return self.symbol is None or self.symbol == symbol


class Injection:
    """A fault that was given to the engine, and how far it has come.

    Attributes:
        number: What it is listed and lifted by.
        fault: What goes wrong.
        begins_s: UTC epoch seconds.
        ends_s: UTC epoch seconds; None: open.
        used: How often it was taken.
        first_s: When it was taken first, UTC epoch seconds.
    """

    def __init__(self, number: int, fault: Fault, now_s: float) -> None:
        self.number = number
        self.fault = fault
        self.begins_s = now_s + fault.after_s if fault.at_ms is None else fault.at_ms / 1000
        self.ends_s = None if fault.for_s is None else self.begins_s + fault.for_s
        counted = SHAPES[fault.kind].counts
        self._times = 1 if counted and fault.times is None and fault.for_s is None else fault.times
        self._is_lifted = False
        self.used = 0
        self.first_s: float | None = None

    @property
    def is_over(self) -> bool:
        """Its time has passed or it was lifted: what it has hit recovers, as far as that is possible."""
        return self._is_lifted or (self.ends_s is not None and time.time() >= self.ends_s)

    @property
    def is_in_force(self) -> bool:
        """It can hit something now."""
        has_begun = time.time() >= self.begins_s
        return has_begun and not self.is_over and (self._times is None or self.used < self._times)

    @property
    def is_spent(self) -> bool:
        """It will never hit anything again."""
        return self.is_over or (self._times is not None and self.used >= self._times)

    def use(self) -> None:
        """One more thing was hit."""
        self.used += 1
        self.first_s = self.first_s or time.time()

    def lift(self) -> None:
        """End it now."""
        self._is_lifted = True


class Faults:
    """All faults of one venue.

    Args:
        script: What is to happen, counted from `start`.
    """

    def __init__(self, script: Sequence[Fault] = ()) -> None:
        self._script = tuple(script)
        self._injections: dict[int, Injection] = {}
        self._numbers = count(1)
        self._listeners: list[tuple[Where, Callable[[], None]]] = []
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Begin the script; needs a running event loop. A second call does nothing."""
        script, self._script = self._script, ()
        for fault in script:
            self.add(fault)

    def stop(self) -> None:
        """Nothing begins any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def add(self, fault: Fault) -> Injection:
        """Let a fault happen; `after_s` counts from now.

        Raises:
            FaultError: There are too many.
        """
        self._forget_spent()
        if len(self._injections) >= _MOST_FAULTS:
            raise FaultError(f"{len(self._injections)} faults are waiting or in force: lift some first")
        injection = Injection(next(self._numbers), fault, time.time())
        self._injections[injection.number] = injection
        self._wake_at(injection)
        return injection

    def listed(self) -> list[Injection]:
        """All of them, the spent ones too as long as there is room."""
        return list(self._injections.values())

    def lift(self, number: int) -> bool:
        """End one; whether there was one of that number."""
        injection = self._injections.get(number)
        if injection is None:
            return False
        injection.lift()
        return True

    def lift_all(self) -> None:
        """End every one."""
        for number in self._injections:
            self.lift(number)

    def matching(
        self,
        where: Where,
        part: Part,
        kinds: Collection[Kind],
        symbols: Collection[str] = (),
        moment: Moment | None = None,
    ) -> Iterator[Injection]:
        """Faults in force of these kinds, oldest first.

        Args:
            symbols: What is at hand is about these; a fault of one symbol hits nothing else.
            moment: Where the connection stands; a fault of another moment is passed over.
        """
        for injection in self._injections.values():
            fault = injection.fault
            if fault.kind not in kinds or fault.where is not where or part not in fault.parts:
                continue
            if fault.symbol is not None and fault.symbol not in symbols:
                continue
            if fault.moment in (None, moment) and injection.is_in_force:
                yield injection

    def peek(
        self,
        where: Where,
        part: Part,
        kinds: Collection[Kind],
        symbols: Collection[str] = (),
        moment: Moment | None = None,
    ) -> Injection | None:
        """The oldest of those, without using it up."""
        return next(self.matching(where, part, kinds, symbols, moment), None)

    def take(
        self,
        where: Where,
        part: Part,
        kinds: Collection[Kind],
        symbols: Collection[str] = (),
        moment: Moment | None = None,
    ) -> Injection | None:
        """The same, used once: the caller does what it says."""
        injection = self.peek(where, part, kinds, symbols, moment)
        if injection is not None:
            injection.use()
        return injection

    def skew_s(self, where: Where, part: Part) -> float:
        """By how much a source's clock is ahead just now."""
        injection = self.peek(where, part, (Kind.CLOCK_SKEW,))
        return 0.0 if injection is None else injection.fault.skew_s or 0.0

    def watch(self, where: Where, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever a fault of this source begins; the answer ends that."""
        entry = (where, listener)
        self._listeners.append(entry)

        def unwatch() -> None:
            with suppress(ValueError):  # ended twice
                self._listeners.remove(entry)

        return unwatch

    def _wake_at(self, injection: Injection) -> None:
        loop = asyncio.get_running_loop()
        delay_s = max(0.0, injection.begins_s - time.time())
        self._timers[injection.number] = loop.call_later(delay_s, self._begin, injection)

    def _begin(self, injection: Injection) -> None:
        self._timers.pop(injection.number, None)
        if time.time() < injection.begins_s:  # a timer may fire a little early by this clock
            self._wake_at(injection)
            return
        for where, listener in list(self._listeners):
            if where is injection.fault.where and not injection.is_spent:
                listener()

    def _forget_spent(self) -> None:
        if len(self._injections) >= _MOST_FAULTS:
            self._injections = {number: one for number, one in self._injections.items() if not one.is_spent}
