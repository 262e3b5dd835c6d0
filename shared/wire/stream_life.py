"""The life of one streaming connection, reconnections included: the same for every source, whatever its dialect.

One socket at a time: after a hang-up nothing is opened before the old socket is known to be gone. What was said on a connection
that is being hung up counts for nothing, so that two connections never speak at once.
"""

from collections.abc import Sequence

from shared.domain.bars import Series
from shared.wire.budget import Budget
from shared.wire.dialect import Dialect, Said
from shared.wire.link_table import HELD, HOLDS, OPEN, Event, after
from shared.wire.patience import Patience
from shared.wire.reconnection import Reconnection
from shared.wire.stream import Action, Connect, Disconnect, Link, Moved, Ping, Reported, Send
from shared.wire.subscriptions import Subscriptions
from shared.wire.watchdogs import SilenceWatchdog, TransportWatchdog, Verdict

_NORMAL = 1000
_POLICY = 1008
_REFUSALS = frozenset({401, 403, 451})
_TOO_MANY = frozenset({418, 429})
_AWAITS_ANSWER = frozenset({Link.GREETING, Link.AUTHENTICATING, Link.SUBSCRIBING})


class StreamLife:
    """A `StreamMachine` for any dialect.

    Args:
        dialect: The source's words.
        reconnection: The waits between connections.
        patience: How long things may take.
        canary: A symbol that has bars in each minute; see `SilenceWatchdog`.
        requests_a_second: Messages the source takes from us.
        most_symbols: Symbols a connection may carry.
    """

    def __init__(
        self,
        dialect: Dialect,
        reconnection: Reconnection,
        patience: Patience,
        *,
        canary: str | None = None,
        requests_a_second: int = 5,
        most_symbols: int = 1024,
    ) -> None:
        self._dialect = dialect
        self._name = dialect.source.capitalize()
        self._reconnection = reconnection
        self._patience = patience
        self._most_symbols = most_symbols
        self._subscriptions = Subscriptions(dialect, Budget(requests_a_second, 1.0))
        self._transport = TransportWatchdog(patience.ping_s, patience.pong_s)
        self._silence = SilenceWatchdog(patience.silence_s, canary)
        self._series: dict[str, Series] = {}
        self._link = Link.IDLE
        self._is_allowed = True
        # From Connect until told that it is gone; of these, those that we have hung up already.
        self._has_socket = False
        self._is_hanging_up = False
        self._answer_due_s: float | None = None
        self._old_at_s: float | None = None
        # What the next connection waits for, kept while hung up: to be allowed again does not cut a refusal short.
        self._held_by: Said | None = None
        self._held_until_s: float | None = None

    @property
    def source(self) -> str:
        """Whose it is."""
        return self._dialect.source

    @property
    def link(self) -> Link:
        """Where it stands."""
        return self._link

    @property
    def due_s(self) -> float | None:
        """When `tick` must be called next; None: never, as things stand."""
        if self._link in OPEN:
            times = (
                self._answer_due_s,
                self._old_at_s,
                self._transport.due_s,
                self._silence.due_s,
                self._subscriptions.due_s,
            )
            return min((time_s for time_s in times if time_s is not None), default=None)
        return self._held_until_s if self._link in HELD and not self._has_socket else None

    def want(self, symbols: frozenset[str], now_s: float) -> Sequence[Action]:
        """Be subscribed to these symbols and to no others; none: hang up.

        Raises:
            ValueError: More than a connection may carry.
        """
        if len(symbols) > self._most_symbols:
            raise ValueError(f"{len(symbols)} symbols: a connection to {self._name} carries {self._most_symbols}")
        self._subscriptions.want(symbols)
        self._series = dict(map(self._dialect.series, symbols))
        return [*self._settle(now_s), *self._requests(now_s)]

    def renew(self, symbols: frozenset[str], now_s: float) -> Sequence[Action]:
        """Subscribe anew to those of these symbols that are subscribed to."""
        self._subscriptions.renew(symbols)
        return self._requests(now_s)

    def allow(self, is_allowed: bool, now_s: float) -> Sequence[Action]:
        """Whether a connection may exist at all: false hangs up at once."""
        self._is_allowed = is_allowed
        return self._settle(now_s)

    def connected(self, now_s: float) -> Sequence[Action]:
        """The socket is open."""
        if self._link is not Link.CONNECTING:
            return []
        self._reconnection.opened(now_s)
        self._transport.begin(now_s)
        self._old_at_s = None if self._patience.life_s is None else now_s + self._patience.life_s
        return self._turn(Said(self._dialect.opening), now_s)

    def not_connected(self, status: int | None, reason: str, now_s: float) -> Sequence[Action]:
        """The socket did not open."""
        self._has_socket = False
        event = Event.LOST
        if status in _REFUSALS:
            event = Event.DENIED
        elif status in _TOO_MANY:
            event = Event.ACCOUNT_FULL
        answer = reason if status is None else f"HTTP {status} {reason}".rstrip()
        return self._end(Said(event, f"{self._name} could not be connected to: {answer}."), now_s)

    def received(self, message: str | bytes, now_s: float) -> Sequence[Action]:
        """One whole message came."""
        if self._link not in OPEN:
            return []
        self._transport.heard(now_s)
        actions: list[Action] = []
        for heard in self._dialect.read(message, self._series):
            if isinstance(heard, Said):
                actions += self._hear(heard, now_s)
            elif isinstance(heard, Reported):
                actions += [heard, *self._fed(heard, now_s)]
            else:
                actions.append(heard)
        return actions

    def alive(self, now_s: float) -> Sequence[Action]:
        """The transport answered a ping, or sent one."""
        self._transport.heard(now_s)
        return []

    def disconnected(self, code: int | None, reason: str, now_s: float) -> Sequence[Action]:
        """The socket is closed, by whomever."""
        self._has_socket = False
        said = "" if code is None else f" ({code} {reason}".rstrip() + ")"
        event = Event.ACCOUNT_FULL if code == _POLICY else Event.LOST
        return self._end(Said(event, f"The connection to {self._name} was closed{said}."), now_s)

    def tick(self, now_s: float) -> Sequence[Action]:
        """Time has passed."""
        if self._link not in OPEN:
            return self._settle(now_s)
        if self._answer_due_s is not None and now_s >= self._answer_due_s:
            return self._end(Said(Event.LOST, f"{self._name} did not answer while {self._link}."), now_s)
        if self._old_at_s is not None and now_s >= self._old_at_s:
            return self._end(Said(Event.LOST, f"{self._name} ends connections of that age.", is_planned=True), now_s)
        verdict = self._transport.look(now_s)
        if verdict is Verdict.DEAD:
            return self._end(Said(Event.LOST, f"The connection to {self._name} answers no ping."), now_s)
        pings = [Ping()] if verdict is Verdict.PING else []
        return [*pings, *self._look_at_silence(now_s), *self._requests(now_s)]

    def _look_at_silence(self, now_s: float) -> Sequence[Action]:
        verdict = self._silence.look(now_s)
        if verdict is Verdict.DEAD:
            return self._end(Said(Event.LOST, f"{self._name} sends no bars though it is subscribed to."), now_s)
        if verdict is Verdict.RENEW:
            self._subscriptions.renew(self._silence.canaries)
        return []

    def _hear(self, said: Said, now_s: float) -> Sequence[Action]:
        return self._end(said, now_s) if said.event in HOLDS else self._turn(said, now_s)

    def _fed(self, reported: Reported, now_s: float) -> Sequence[Action]:
        if self._link not in OPEN:
            return []
        self._reconnection.fed()
        symbols = {bar.series.symbol for bar in reported.bars}
        self._silence.heard(symbols, self._subscriptions.wanted, now_s)
        # Bars are as good as a confirmation.
        return self._turn(Said(Event.SUBSCRIBED), now_s)

    def _settle(self, now_s: float) -> list[Action]:
        """Connect or hang up, where what is wanted and allowed asks for it."""
        if not (self._is_allowed and self._subscriptions.wanted):
            return self._turn(Said(Event.HANG_UP, "" if self._is_allowed else "No connection is allowed."), now_s)
        if self._held_by is not None and self._held_until_s is not None and now_s < self._held_until_s:
            return self._turn(self._held_by, now_s)
        if self._has_socket or self._link in OPEN:
            return []
        earliest_s = self._reconnection.earliest_s()
        if earliest_s > now_s:
            self._hold(Said(Event.LOST, f"Too many connections to {self._name} within a minute."), earliest_s)
            return self._settle(now_s)
        return self._turn(Said(Event.CONNECT), now_s)

    def _end(self, said: Said, now_s: float) -> list[Action]:
        """A connection that was under way or open is over; where it was hung up before, this is no news."""
        if self._link is Link.CONNECTING or self._link in OPEN:
            lost_s = self._reconnection.left(now_s) if said.is_planned else self._reconnection.lost(now_s)
            self._hold(said, max(lost_s, now_s + self._reconnection.spread(self._shortest_s(said.event))))
            return [*self._turn(said, now_s), *self._settle(now_s)]
        return self._settle(now_s)

    def _shortest_s(self, event: Event) -> float:
        return {Event.ACCOUNT_FULL: self._patience.cooling_s, Event.DENIED: self._patience.refused_s}.get(event, 0.0)

    def _hold(self, said: Said, until_s: float) -> None:
        self._held_by, self._held_until_s = said, until_s

    def _turn(self, said: Said, now_s: float) -> list[Action]:
        """Move as the table says, and do what belongs to the new place."""
        before, now = self._link, after(self._link, said.event)
        if now is None:
            return []
        self._link = now
        self._answer_due_s = now_s + self._patience.answer_s if now in _AWAITS_ANSWER else None
        return [Moved(self.source, before, now, said.cause), *self._arrive(said.cause, now_s)]

    def _arrive(self, cause: str, now_s: float) -> list[Action]:
        match self._link:
            case Link.CONNECTING:
                self._has_socket, self._is_hanging_up = True, False
                self._held_by = self._held_until_s = None
                self._reconnection.connecting(now_s)
                return [Connect(self._dialect.address)]
            case Link.AUTHENTICATING:
                return [Send(self._dialect.credentials())]
            case Link.SUBSCRIBING:
                self._subscriptions.begin()
                self._silence.begin(now_s)
                return self._requests(now_s)
            case Link.GREETING | Link.LIVE:
                return []
            case _:
                return self._let_go(cause)

    def _let_go(self, cause: str) -> list[Action]:
        self._subscriptions.end()
        self._transport.end()
        self._silence.end()
        self._old_at_s = None
        if not self._has_socket or self._is_hanging_up:
            return []
        self._is_hanging_up = True
        return [Disconnect(_NORMAL, cause)]

    def _requests(self, now_s: float) -> list[Action]:
        return [Send(text) for text in self._subscriptions.requests(now_s)]
