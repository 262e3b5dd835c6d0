"""Plays the socket to a stream's state machine: carries its orders out in no time and remembers what it said."""

from collections.abc import Sequence

from shared.domain.bars import Bar
from shared.wire.stream import Action, Connect, Disconnect, Link, Moved, Ping, Reported, Send, StreamMachine

HELLO = '[{"ev":"status","status":"connected","message":"Connected Successfully"}]'
AUTHENTICATED = '[{"ev":"status","status":"auth_success","message":"authenticated"}]'
SUBSCRIBED = '[{"ev":"status","status":"success","message":"subscribed to: XA.BTC-USD"}]'
FULL = '[{"ev":"status","status":"max_connections","message":"Maximum number of websocket connections exceeded. "}]'


def minute(pair: str = "BTC-USD", open_ms: int = 1_594_917_720_000) -> str:
    return (
        f'[{{"ev":"XA","pair":"{pair}","v":725.09209352,"vw":9114.502,"z":0.65,"o":9111.14,"c":9134.3,"h":9134.7,'
        f'"l":9106.5,"s":{open_ms},"e":{open_ms + 60_000}}}]'
    )


class Driver:
    """One machine and its socket.

    Attributes:
        now_s: The clock; move it with `wait`.
        open_sockets: 1 while there is one. Never 2: that is asserted.
        connected_s: When each was opened.
        sent: Texts sent.
        moves: Where the connection went, with the cause.
    """

    def __init__(self, machine: StreamMachine, *, answers_close: bool = True) -> None:
        self.machine = machine
        self.answers_close = answers_close
        self.now_s = 0.0
        self.open_sockets = 0
        self.is_hung_up = False
        self.connected_s: list[float] = []
        self.sent: list[str] = []
        self.pings = 0
        self.moves: list[Moved] = []
        self.bars: list[Bar] = []
        self.others: list[Action] = []

    @property
    def link(self) -> Link:
        return self.machine.link

    @property
    def path(self) -> list[Link]:
        return [move.now for move in self.moves]

    @property
    def cause(self) -> str:
        return self.moves[-1].cause

    def do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Connect():
                    self.open_sockets += 1
                    assert self.open_sockets == 1, "two sockets at once"
                    self.connected_s.append(self.now_s)
                    self.is_hung_up = False
                case Send(text):
                    assert self.open_sockets == 1
                    self.sent.append(text)
                case Ping():
                    self.pings += 1
                case Disconnect():
                    assert self.open_sockets == 1, "hung up on no socket"
                    assert not self.is_hung_up, "hung up twice"
                    self.is_hung_up = True
                    if self.answers_close:
                        self.closed(None)
                case Moved():
                    self.moves.append(action)
                case Reported(bars):
                    self.bars.extend(bars)
                case _:
                    self.others.append(action)

    def want(self, *symbols: str) -> None:
        self.do(self.machine.want(frozenset(symbols), self.now_s))

    def allow(self, is_allowed: bool) -> None:
        self.do(self.machine.allow(is_allowed, self.now_s))

    def opened(self) -> None:
        self.do(self.machine.connected(self.now_s))

    def not_opened(self, status: int | None = None) -> None:
        self.open_sockets = 0
        self.do(self.machine.not_connected(status, "no", self.now_s))

    def hear(self, *messages: str | bytes) -> None:
        for message in messages:
            self.do(self.machine.received(message, self.now_s))

    def closed(self, code: int | None) -> None:
        self.open_sockets = 0
        self.do(self.machine.disconnected(code, "", self.now_s))

    def wait(self, seconds: float, *, pong: bool = True) -> None:
        """Let time pass, telling the machine whenever it asked to be told."""
        until_s = self.now_s + seconds
        for _ in range(10_000):
            due_s = self.machine.due_s
            if due_s is None or due_s > until_s:
                break
            self.now_s = max(self.now_s, due_s)
            pings = self.pings
            self.do(self.machine.tick(self.now_s))
            if pong and self.pings > pings:
                self.do(self.machine.alive(self.now_s))
        else:
            raise AssertionError("the machine asks to be told all the time")
        self.now_s = until_s
