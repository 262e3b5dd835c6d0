"""Ask the sidecar for candles once, without a stream."""

from pathlib import Path

import aiohttp
import hummingbot

from shared.adapters.feed_address import FeedAddressError, find_address
from shared.ports import FeedRefused, FeedUnavailable
from shared.wire import feed_protocol
from shared.wire.feed_messages import FeedProtocolError, FeedWindow, Subscription

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_OK, _SERVER_ERROR = 200, 500


async def fetch_window(wanted: Subscription) -> FeedWindow:
    """The newest candles of a subscription.

    Raises:
        FeedUnavailable: The sidecar does not answer now.
        FeedRefused: It will not serve them, or what it says is no window.
    """
    try:
        address = find_address(Path(hummingbot.root_path()))
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, headers=address.headers) as session,
            session.get(address.url + feed_protocol.CANDLES_PATH, params=feed_protocol.query_of(wanted)) as answer,
        ):
            status, body = answer.status, await answer.text()
    except FeedAddressError as error:
        raise FeedUnavailable(str(error)) from error
    except (aiohttp.ClientError, OSError, TimeoutError, UnicodeDecodeError) as error:
        raise FeedUnavailable(f"the sidecar cannot be reached: {type(error).__name__}") from error
    if status >= _SERVER_ERROR:
        raise FeedUnavailable(f"the sidecar answered with HTTP {status}")
    if status != _OK:
        raise FeedRefused(f"the sidecar answered with HTTP {status}: {body[:200]}")
    try:
        message = feed_protocol.read_message(body)
    except FeedProtocolError as error:
        raise FeedRefused(str(error)) from error
    if not isinstance(message, FeedWindow) or (message.pair, message.interval) != (wanted.pair, wanted.interval):
        raise FeedRefused(f"the sidecar answered with other candles than those of {wanted.pair} {wanted.interval}")
    return message
