"""The sidecar's candles over HTTP: `GET /candles` and the websocket `GET /stream`, for who has the token."""

import asyncio
import time
from collections.abc import Callable

from aiohttp import WSMsgType, web

from shared.sidecar.feeds.serving import Serving
from shared.sidecar.feeds.wanted import TooManyPairs, Wanted
from shared.sidecar.http_token import token_required
from shared.wire.feed_messages import FeedHeartbeat, FeedMessage, FeedProtocolError, FeedRefusal, Subscription
from shared.wire.feed_protocol import (
    CANDLES_PATH,
    HEARTBEAT_S,
    MAX_MESSAGE_BYTES,
    STREAM_PATH,
    read_query,
    read_subscriptions,
    write_message,
)

# A bot that does not read is cut off, without a farewell it would not read either: it reconnects, and gets whole windows.
_MOST_UNREAD = 5000
_READS_WITHIN_S = 20.0


class FeedServer:
    """Answers bots.

    Args:
        serving: Who tells them.
        wanted: Whether there is room for what they ask.
        changed: Called after what bots ask for has changed.
    """

    def __init__(self, serving: Serving, wanted: Wanted, changed: Callable[[], None]) -> None:
        self._serving = serving
        self._wanted = wanted
        self._changed = changed

    def routes(self, token: str) -> list[web.RouteDef]:
        """Its paths, for who has the token."""
        return [
            web.get(CANDLES_PATH, token_required(token, self._candles)),
            web.get(STREAM_PATH, token_required(token, self._stream)),
        ]

    async def _candles(self, request: web.Request) -> web.StreamResponse:
        try:
            wanted = read_query(request.query)
            self._wanted.require_room([wanted.pair])
        except (FeedProtocolError, TooManyPairs) as error:
            return web.json_response({"error": str(error)}, status=400)
        self._wanted.touch(wanted.pair, wanted.limit)
        self._changed()
        return web.Response(text=write_message(self._serving.window(wanted)), content_type="application/json")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        connection = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, compress=False)
        await connection.prepare(request)
        bot = _Bot(connection, request.transport)
        writing = asyncio.create_task(bot.write())
        try:
            async for message in connection:
                if message.type is not WSMsgType.TEXT:
                    break
                try:
                    self._listen(bot, read_subscriptions(message.data))
                except FeedProtocolError as error:
                    # A close frame holds 123 bytes.
                    await connection.close(code=1008, message=str(error).encode("ascii", "replace")[:120])
        finally:
            self._serving.leave(bot)
            writing.cancel()
            await asyncio.wait((writing,))
            self._changed()
        return connection

    def _listen(self, bot: "_Bot", asked: tuple[Subscription, ...]) -> None:
        taken: list[Subscription] = []
        for each in asked:
            try:
                self._wanted.require_room([*(one.pair for one in taken), each.pair])
                taken.append(each)
            except TooManyPairs as error:
                bot.tell(FeedRefusal(each.pair, each.interval, str(error)))
        self._serving.listen(bot, taken)
        self._changed()


class _Bot:
    """One connected bot: what it is told waits here while it reads."""

    def __init__(self, connection: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self._connection = connection
        self._transport = transport
        self._unread: asyncio.Queue[FeedMessage] = asyncio.Queue(_MOST_UNREAD)

    def tell(self, message: FeedMessage) -> None:
        """Take a message without waiting."""
        if self._unread.full():
            self._cut_off()
        else:
            self._unread.put_nowait(message)

    async def write(self) -> None:
        """Send what there is, and heartbeats in between, until cancelled or cut off."""
        try:
            await self._write_all()
        except TimeoutError:
            self._cut_off()
        except ConnectionError:
            return  # the reading side ends with it

    async def _write_all(self) -> None:
        beat_s = asyncio.get_running_loop().time()
        while True:
            wait_s = beat_s + HEARTBEAT_S - asyncio.get_running_loop().time()
            if wait_s <= 0:
                beat_s = asyncio.get_running_loop().time()
                await self._send(FeedHeartbeat(int(time.time() * 1000)))
                continue
            try:
                async with asyncio.timeout(wait_s):
                    message = await self._unread.get()
            except TimeoutError:
                continue
            await self._send(message)

    async def _send(self, message: FeedMessage) -> None:
        """Send a message.

        Raises:
            TimeoutError: The bot does not read.
            ConnectionError: It is gone.
        """
        async with asyncio.timeout(_READS_WITHIN_S):
            await self._connection.send_str(write_message(message))

    def _cut_off(self) -> None:
        # What is unread must not keep the connection open.
        if self._transport is not None:
            self._transport.abort()
