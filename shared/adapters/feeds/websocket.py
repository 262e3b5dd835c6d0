"""One websocket, from the attempt to open it to its end. It decides nothing: it tells what happens and does what it is told.

What has come and is not read yet is bounded: beyond 64 KiB aiohttp stops reading the connection, so that a slow reader is
noticed by the source and not by this process's memory. What is to be sent and is not taken is bounded too.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

import aiohttp

from shared.wire.stream import Ping, Send

# A source that takes none of so many messages takes nothing any more.
_MOST_UNSENT = 100
# After so many messages in a row everyone else gets a turn.
_MESSAGES_A_TURN = 64


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What a socket may take.

    Attributes:
        open_s: Name, TCP, TLS and handshake together.
        close_s: The source's answer to our farewell; without one the connection is dropped.
        message_bytes: Largest message; a larger one ends the connection with 1009.
    """

    open_s: float = 10.0
    close_s: float = 2.0
    message_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NotOpened:
    """It never opened. `status`: HTTP's, where there was an answer."""

    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """It was open and is closed. `code`: of the close frame; None where there was none."""

    code: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping of the source's."""

    payload: bytes


class Websocket:
    """One websocket. TLS certificates are verified, names included.

    Args:
        session: Opens it.
        url: Where to.
        limits: What it may take.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, limits: SocketLimits) -> None:
        self._session = session
        self._url = url
        self._limits = limits
        self._unsent: asyncio.Queue[Send | Ping | Pong] = asyncio.Queue(_MOST_UNSENT)
        self._scope: asyncio.Timeout | None = None
        self._hung_up_because: str | None = None
        self._farewell: int = aiohttp.WSCloseCode.OK

    def send(self, order: Send | Ping | Pong) -> None:
        """Send something soon; a source that takes nothing is hung up on."""
        try:
            self._unsent.put_nowait(order)
        except asyncio.QueueFull:
            self.hang_up(aiohttp.WSCloseCode.OK, "it takes nothing that is sent")

    def hang_up(self, code: int, reason: str) -> None:
        """End it, whatever it is doing; `run` returns when it is gone. The source is told the code alone."""
        if self._hung_up_because is None:
            self._farewell, self._hung_up_because = code, reason
            if self._scope is not None:
                self._scope.reschedule(asyncio.get_running_loop().time())

    async def run(
        self, opened: Callable[[], None], received: Callable[[str | bytes], None], alive: Callable[[], None]
    ) -> NotOpened | Closed:
        """Open it, read it until it ends, and say how it ended.

        Args:
            opened: Called once it is open.
            received: Called with each message.
            alive: Called when the source answers a ping or sends one.
        """
        if self._hung_up_because is not None:
            return NotOpened(None, self._hung_up_because)
        is_open = False
        self._scope = asyncio.timeout(None)
        try:
            async with self._scope:
                socket = await self._open()
                if isinstance(socket, NotOpened):
                    return socket
                is_open = True
                try:
                    opened()
                    return await self._talk(socket, received, alive)
                finally:
                    await self._shut(socket)
        except TimeoutError:
            if not self._scope.expired():
                raise
        finally:
            self._scope = None
        reason = self._hung_up_because or ""
        return Closed(None, reason) if is_open else NotOpened(None, reason)

    async def _open(self) -> aiohttp.ClientWebSocketResponse[bool] | NotOpened:
        try:
            async with asyncio.timeout(self._limits.open_s):
                return await self._session.ws_connect(
                    self._url,
                    timeout=aiohttp.ClientWSTimeout(ws_close=self._limits.close_s),
                    autoping=False,
                    max_msg_size=self._limits.message_bytes,
                    decode_text=False,
                )
        except TimeoutError:
            return NotOpened(None, f"no answer within {self._limits.open_s:g} s")
        except aiohttp.WSServerHandshakeError as error:
            return NotOpened(error.status, error.message)
        except (aiohttp.ClientError, OSError) as error:
            return NotOpened(None, str(error) or type(error).__name__)

    async def _talk(
        self,
        socket: aiohttp.ClientWebSocketResponse[bool],
        received: Callable[[str | bytes], None],
        alive: Callable[[], None],
    ) -> Closed:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._write(socket))
            closed = await self._read(socket, received, alive)
            writer.cancel()
        return closed

    async def _read(
        self,
        socket: aiohttp.ClientWebSocketResponse[bool],
        received: Callable[[str | bytes], None],
        alive: Callable[[], None],
    ) -> Closed:
        messages = 0
        while True:
            message = await socket.receive()
            match message.type:
                case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                    received(message.data)
                case aiohttp.WSMsgType.PING:
                    self.send(Pong(message.data))
                    alive()
                case aiohttp.WSMsgType.PONG:
                    alive()
                case aiohttp.WSMsgType.CLOSE:
                    return Closed(message.data, str(message.extra or ""))
                case aiohttp.WSMsgType.ERROR:
                    return Closed(socket.close_code, str(message.data))
                case _:
                    return Closed(None, "")
            messages += 1
            if messages % _MESSAGES_A_TURN == 0:
                await asyncio.sleep(0)

    async def _write(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        try:
            while True:
                order = await self._unsent.get()
                match order:
                    case Send(text):
                        await socket.send_str(text)
                    case Ping():
                        await socket.ping()
                    case Pong(payload):
                        await socket.pong(payload)
                    case _:
                        assert_never(order)
        except (aiohttp.ClientError, ConnectionError):
            # The connection is gone. Reading says so too, or the unanswered ping does.
            return

    async def _shut(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        """Say farewell and wait a little for the answer. A source that does not even take the farewell is dropped."""
        try:
            async with asyncio.timeout(2 * self._limits.close_s):
                await socket.close(code=self._farewell)
        except TimeoutError:
            return
