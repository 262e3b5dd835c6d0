"""Carries out what a stream's state machine asks for: opens and closes its websocket, sends, and tells it the time."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import aiohttp

from shared.adapters.feeds.ask_once import ask_once
from shared.adapters.feeds.websocket import Closed, NotOpened, SocketLimits, Websocket
from shared.wire.stream import Action, Connect, Disconnect, News, Ping, Send, StreamMachine


class FeedStream:
    """One source's stream for as long as `run` runs. All of it happens in one event loop, on that loop's clock.

    Args:
        machine: Decides.
        told: Takes what is for whoever wants the feed: bars, records that could not be read, where the connection stands.
            Nothing is read from the socket meanwhile.
        session: Opens the sockets; None: one of its own.
        limits: What a socket may take.
    """

    def __init__(
        self,
        machine: StreamMachine,
        told: Callable[[News], None],
        session: aiohttp.ClientSession | None = None,
        *,
        limits: SocketLimits | None = None,
    ) -> None:
        self._machine = machine
        self._told = told
        self._session = session
        self._limits = limits or SocketLimits()
        self._actions: deque[Action] = deque()
        self._is_acting = False
        self._tasks: asyncio.TaskGroup | None = None
        self._open_with: aiohttp.ClientSession | None = None
        self._socket: Websocket | None = None
        self._is_closed = False
        self._wake = asyncio.Event()
        self._wakes_s: float | None = None
        self._ended = asyncio.Event()
        self._ended.set()

    def want(self, symbols: frozenset[str]) -> None:
        """Be subscribed to these symbols, in the source's own quote, and to no others; none: hang up."""
        self._do(self._machine.want(symbols, _now_s()))

    def renew(self, symbols: frozenset[str]) -> None:
        """Subscribe anew to symbols that are silent though the stream lives."""
        self._do(self._machine.renew(symbols, _now_s()))

    def allow(self, is_allowed: bool) -> None:
        """Whether a connection may exist. False hangs up at once; the socket is gone within twice `SocketLimits.close_s`."""
        self._do(self._machine.allow(is_allowed, _now_s()))

    async def run(self) -> None:
        """Keep the stream as it is wanted, until cancelled or closed. It may be run again.

        Raises:
            ExceptionGroup: What `told` raised, or a defect of ours. No trouble of the connection is raised.
        """
        if self._is_closed:
            return
        self._ended.clear()
        try:
            if self._session is not None:
                await self._run(self._session)
            else:
                async with aiohttp.ClientSession(middlewares=(ask_once,)) as session:
                    await self._run(session)
        finally:
            self._open_with = None
            self._ended.set()

    async def close(self) -> None:
        """Hang up for good; returns when the socket is gone."""
        self._is_closed = True
        self._do(self._machine.allow(False, _now_s()))
        self._wake.set()
        await self._ended.wait()

    async def _run(self, session: aiohttp.ClientSession) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._tasks, self._open_with = tasks, session
            try:
                while not self._is_closed:
                    self._wake.clear()
                    self._do(self._machine.tick(_now_s()))
                    await self._until_due()
            finally:
                # Tasks that end now may make the machine ask for a connection: it is opened when this runs again.
                self._tasks = None

    async def _until_due(self) -> None:
        self._wakes_s = self._machine.due_s
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._wakes_s):
                await self._wake.wait()

    async def _connection(self, socket: Websocket) -> None:
        machine = self._machine
        ended: NotOpened | Closed = Closed(None, "its task was ended")
        try:
            ended = await socket.run(
                lambda: self._do(machine.connected(_now_s())),
                lambda message: self._do(machine.received(message, _now_s())),
                lambda: self._do(machine.alive(_now_s())),
            )
        finally:
            self._socket = None
            if isinstance(ended, NotOpened):
                self._do(machine.not_connected(ended.status, ended.reason, _now_s()))
            else:
                self._do(machine.disconnected(ended.code, ended.reason, _now_s()))

    def _do(self, actions: Sequence[Action]) -> None:
        """Carry actions out, in order. Whoever is told of one may ask for more: those come after what is under way."""
        self._actions.extend(actions)
        if self._is_acting:
            return
        self._is_acting = True
        try:
            # Without `run` nothing is opened yet; what was asked for is done when it begins.
            while self._actions and (self._tasks is not None or not isinstance(self._actions[0], Connect)):
                self._act(self._actions.popleft())
        finally:
            self._is_acting = False
        due_s = self._machine.due_s
        if due_s is not None and (self._wakes_s is None or due_s < self._wakes_s):
            self._wake.set()

    def _act(self, action: Action) -> None:
        match action:
            case Connect(url):
                assert self._tasks is not None
                assert self._open_with is not None
                self._socket = Websocket(self._open_with, url, self._limits)
                self._tasks.create_task(self._connection(self._socket))
            case Send() | Ping():
                if self._socket is not None:
                    self._socket.send(action)
            case Disconnect(code, reason):
                if self._socket is not None:
                    self._socket.hang_up(code, reason)
            case _:
                self._told(action)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
