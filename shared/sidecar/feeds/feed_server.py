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

# A bot that does not read is cut off: it reconnects, and gets whole windows.
_MOST_UNREAD = 5000


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
        bot = _Bot(connection)
        writing = asyncio.create_task(bot.write())
        try:
            async for message in connection:
                if message.type is not WSMsgType.TEXT:
                    break
                try:
                    self._listen(bot, read_subscriptions(message.data))
                except FeedProtocolError as error:
                    await connection.close(code=1008, message=str(error).encode()[:120])
        finally:
            self._serving.leave(bot)
            self._changed()
            writing.cancel()
            await asyncio.wait((writing,))
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

    def __init__(self, connection: web.WebSocketResponse) -> None:
        self._connection = connection
        self._unread: asyncio.Queue[FeedMessage] = asyncio.Queue(_MOST_UNREAD)
        self._is_lost = False

    def tell(self, message: FeedMessage) -> None:
        """Take a message without waiting."""
        if self._unread.full():
            self._is_lost = True
        else:
            self._unread.put_nowait(message)

    async def write(self) -> None:
        """Send what there is, and heartbeats in between, until cancelled or lost."""
        beat_s = asyncio.get_running_loop().time()
        while not self._is_lost:
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
        await self._connection.close(code=1008, message=b"it reads too slowly")

    async def _send(self, message: FeedMessage) -> None:
        try:
            await self._connection.send_str(write_message(message))
        except ConnectionError:
            self._is_lost = True  # the reading side ends with it
