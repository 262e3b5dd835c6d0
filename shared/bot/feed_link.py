"""The bot's one connection to its sidecar: every candle feed of the process is fed from it. It reconnects for ever."""

import asyncio
import logging
import random
from pathlib import Path
from weakref import WeakKeyDictionary

import aiohttp
import hummingbot

from shared.adapters.feed_address import FeedAddressError, find_address
from shared.bot.notice import notify
from shared.domain.stored import Timeframe
from shared.wire import feed_protocol
from shared.wire.feed_messages import (
    FeedAlert,
    FeedClose,
    FeedMessage,
    FeedProtocolError,
    FeedRefusal,
    FeedWindow,
    ModeChange,
    Subscription,
)
from shared.wire.feed_view import FeedView

_LOG = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 10.0
_GOODBYE_S = 1.0
# Three heartbeats that did not come: the connection is half-open, or the sidecar hangs.
SILENCE_S = 3 * feed_protocol.HEARTBEAT_S
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 10.0
# A connection that lived shorter has mended nothing: the next wait is longer still.
_STEADY_S = 10.0
# How long a sidecar that starts together with the bot may take, or one that is restarted, before a person is told.
PATIENCE_S = 30.0
_UNHEARD = float("-inf")


class _LinkLost(Exception):
    """The connection ended. The message is one sentence."""


class FeedLink:
    """Connects to the sidecar while there are views to keep, and keeps them.

    Attributes:
        heard_s: When the sidecar was last heard, by the event loop's clock; minus infinity before the first time.
    """

    def __init__(self) -> None:
        self.heard_s = _UNHEARD
        self._views: list[FeedView] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._lost_s: float | None = None
        self._told_cause = ""
        self._told_trader = False

    @classmethod
    def of_this_process(cls) -> "FeedLink":
        """The one of the running event loop."""
        loop = asyncio.get_running_loop()
        if loop not in _links:
            _links[loop] = cls()
        return _links[loop]

    def join(self, view: FeedView) -> None:
        """Keep a view from now on."""
        self._views.append(view)
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(_tell_defect)

    async def leave(self, view: FeedView) -> None:
        """Keep a view no more; without any the connection ends. A view that is not kept is no error."""
        self._views = [kept for kept in self._views if kept is not view]
        self._changed.set()
        if not self._views and self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.wait({task})

    def silent_s(self) -> float:
        """Seconds since the sidecar was heard."""
        return asyncio.get_running_loop().time() - self.heard_s

    # Connecting.

    async def _run(self) -> None:
        loop, wait_s = asyncio.get_running_loop(), _FIRST_WAIT_S
        while True:
            began_s = loop.time()
            try:
                await self._connect()
            except _LinkLost as lost:
                self._tell_lost(str(lost))
            if loop.time() - began_s >= _STEADY_S:
                wait_s = _FIRST_WAIT_S
            # Up to a half sooner, so that the bots of one machine do not come back all at once.
            await asyncio.sleep(wait_s * random.uniform(0.5, 1))
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _connect(self) -> None:
        """One connection, from beginning to end.

        Raises:
            _LinkLost: It ended, or never began.
        """
        try:
            address = find_address(Path(hummingbot.root_path()))
            timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_TIMEOUT_S, sock_connect=_CONNECT_TIMEOUT_S)
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=address.headers) as session,
                asyncio.timeout(_CONNECT_TIMEOUT_S) as opening,
                session.ws_connect(
                    address.url + feed_protocol.STREAM_PATH,
                    max_msg_size=feed_protocol.MAX_MESSAGE_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE_S),
                ) as socket,
            ):
                opening.reschedule(None)
                await self._converse(socket)
        except FeedAddressError as error:
            raise _LinkLost(str(error)) from error
        except aiohttp.WSServerHandshakeError as error:
            raise _LinkLost(f"{address.url}: the sidecar answered with HTTP {error.status}") from error
        except TimeoutError as error:
            raise _LinkLost(f"{address.url}: the sidecar did not answer in {_CONNECT_TIMEOUT_S:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _LinkLost(f"{address.url}: cannot be reached: {type(error).__name__}") from error

    async def _converse(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._changed.set()
        halves = [asyncio.create_task(half) for half in (self._speak(socket), self._listen(socket))]
        try:
            ended, _ = await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for half in halves:
                half.cancel()
            await asyncio.gather(*halves, return_exceptions=True)
        for half in ended:
            half.result()

    # Speaking.

    async def _speak(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        said: list[Subscription] = []
        while True:
            await self._changed.wait()
            self._changed.clear()
            wanted = self._wanted()
            without = {_key(view.subscription) for view in self._views if not view.has_window}
            # The sidecar answers what is new to it. A view that came to a subscription made before needs its window too.
            for subscriptions in ([each for each in said if _key(each) not in without], wanted):
                if subscriptions != said:
                    said = subscriptions
                    await socket.send_str(feed_protocol.write_subscriptions(said))

    def _wanted(self) -> list[Subscription]:
        longest: dict[tuple[str, Timeframe], Subscription] = {}
        for subscription in (view.subscription for view in self._views):
            known = longest.setdefault(_key(subscription), subscription)
            if subscription.limit > known.limit:
                longest[_key(subscription)] = subscription
        return list(longest.values())

    # Listening.

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Take what comes until nothing more does.

        Raises:
            _LinkLost: Always.
        """
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    received = await socket.receive()
            except TimeoutError as error:
                raise _LinkLost(f"the sidecar was silent for {SILENCE_S:g} s") from error
            if received.type is not aiohttp.WSMsgType.TEXT:
                raise _LinkLost(f"the sidecar closed the connection, code {socket.close_code}")
            try:
                self._take(feed_protocol.read_message(received.data))
            except FeedProtocolError as error:
                raise _LinkLost(str(error)) from error
            self._heard()

    def _take(self, message: FeedMessage) -> None:
        match message:
            case FeedWindow():
                for view in self._of(message.pair, message.interval):
                    view.take_window(message)
            case FeedClose():
                for view in self._of(message.pair, message.interval):
                    view.take_close(message)
            case FeedRefusal():
                _LOG.error("%s %s: no candles: %s", message.pair, message.interval, message.reason)
                for view in self._of(message.pair, message.interval):
                    view.take_refusal(message.reason)
            case ModeChange():
                _LOG.warning("%s: candles are %s: %s", message.pair, message.mode, message.reason or "all is well")
                for view in self._views:
                    if view.subscription.pair == message.pair:
                        view.take_mode(message.mode, message.reason)
            case FeedAlert():
                notify(message.text)

    def _of(self, pair: str, interval: Timeframe) -> list[FeedView]:
        return [view for view in self._views if _key(view.subscription) == (pair, interval)]

    # Telling.

    def _heard(self) -> None:
        self.heard_s = asyncio.get_running_loop().time()
        self._lost_s, self._told_cause = None, ""
        if self._told_trader:
            self._told_trader = False
            notify("The sidecar serves candles again.")

    def _tell_lost(self, cause: str) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._lost_s is None:
            self._lost_s = now_s
        if cause != self._told_cause:
            self._told_cause = cause
            _LOG.warning("No candles from the sidecar: %s. Trying again.", cause)
        if not self._told_trader and now_s - self._lost_s >= PATIENCE_S:
            self._told_trader = True
            notify(f"No candles from the sidecar for {PATIENCE_S:g} s: {cause}. No new entries once they are stale.")


def _tell_defect(task: asyncio.Task[None]) -> None:
    defect = None if task.cancelled() else task.exception()
    if defect is not None:
        _LOG.error("The connection to the sidecar ended by a defect: its candles grow stale.", exc_info=defect)


def _key(subscription: Subscription) -> tuple[str, Timeframe]:
    return subscription.pair, subscription.interval


_links: WeakKeyDictionary[asyncio.AbstractEventLoop, FeedLink] = WeakKeyDictionary()
