"""One source's REST interface over HTTP: bounded in time, size and number, and closed for as long as the source asks.

It is asked again at once where that may help, and not at all where it said to wait: Binance bans the address of who goes on.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import aiohttp
from yarl import URL

from shared.adapters.feeds.call_budget import CallBudget
from shared.ports import FeedClosed, FeedError, FeedUnavailable
from shared.wire.rest_answer import Answer, Question

_ATTEMPTS = 3
_FIRST_PAUSE_S = 0.5
# What only a person can mend is not asked for more often than this.
_REFUSED_PAUSE_S = 15 * 60.0
_CONNECT_S, _SILENCE_S, _WHOLE_S = 5.0, 10.0, 30.0
# A page of 50,000 bars has some 6 MB.
_MOST_BYTES = 32 * 2**20
_AT_ONCE = 8
_HEADERS = {"Accept": "application/json", "User-Agent": "hummingbot-recovery"}


class RestSource:
    """Asks one source.

    Args:
        source: E.g. "polygon".
        base_url: Its address.
        budget: What it allows.
        key: Name and value of the header that holds the key; None where it takes none.
        session: To share with others, who close it; None makes one.
    """

    def __init__(
        self,
        source: str,
        base_url: str,
        budget: CallBudget,
        key: tuple[str, str] | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self._source = source
        self._base_url = base_url.rstrip("/")
        self._budget = budget
        self._headers = _HEADERS if key is None else _HEADERS | {key[0]: key[1]}
        # The key itself, without the scheme before it: what must never stand in a message.
        self._secret = None if key is None else key[1].rpartition(" ")[2]
        self._session = session
        self._is_own_session = session is None
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._closed: FeedUnavailable | FeedClosed | None = None
        self._closed_until_s = 0.0
        self._closed_until = datetime.fromtimestamp(0.0, UTC)

    async def ask[T](self, question: Question, read: Callable[[Answer], T]) -> T:
        """Ask, again where it fails and did not say to wait; what `read` makes of the answer.

        Args:
            read: Raises FeedError where the answer is no success.

        Raises:
            FeedUnavailable: Three times, or the source asked to wait, now or before.
            FeedRefused: Once.
        """
        attempt, pause_s = 1, _FIRST_PAUSE_S
        while True:
            self._check_open()
            await self._budget.take(question.weight)
            self._check_open()  # somebody else may have been told to wait meanwhile
            try:
                return await self._read(question, read)
            except FeedClosed as error:
                self._close_for(error, _REFUSED_PAUSE_S)
                raise
            except FeedUnavailable as error:
                if error.retry_after_s is not None:
                    self._close_for(error, error.retry_after_s)
                    raise
                if attempt == _ATTEMPTS:
                    raise
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            attempt, pause_s = attempt + 1, pause_s * 2

    async def close(self) -> None:
        """Close every connection of its own."""
        if self._is_own_session and self._session is not None:
            await self._session.close()

    def _check_open(self) -> None:
        left_s = self._closed_until_s - asyncio.get_running_loop().time()
        if self._closed is None or left_s <= 0:
            return
        # The moment, not what is left: the sentence stays the same, so that it is told once.
        said = f"{self._closed}; not asked again before {self._closed_until:%H:%M:%SZ}"
        raise FeedUnavailable(said, left_s) if isinstance(self._closed, FeedUnavailable) else FeedClosed(said)

    def _close_for(self, error: FeedUnavailable | FeedClosed, seconds: float) -> None:
        self._closed = error
        self._closed_until_s = asyncio.get_running_loop().time() + seconds
        self._closed_until = datetime.fromtimestamp(time.time() + seconds, UTC)

    async def _read[T](self, question: Question, read: Callable[[Answer], T]) -> T:
        try:
            return read(await self._fetch(question))
        except FeedError as error:
            if self._secret:  # a source may repeat what it was sent
                error.args = (str(error).replace(self._secret, "[key]"),)
            raise

    async def _fetch(self, question: Question) -> Answer:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        timeout = aiohttp.ClientTimeout(total=_WHOLE_S, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
        async with self._places:
            try:
                async with self._session.get(
                    URL(self._base_url + question.path, encoded=True),
                    params=question.parameters,
                    headers=self._headers,
                    timeout=timeout,
                    allow_redirects=False,  # the key would go along
                ) as response:
                    return Answer(response.status, _lower(response.headers), await self._body(response))
            except TimeoutError as error:
                raise FeedUnavailable(f"{self._source}: {self._base_url} does not answer in time") from error
            except aiohttp.ClientError as error:
                said = str(error) or type(error).__name__
                raise FeedUnavailable(f"{self._source}: {self._base_url} cannot be reached: {said}") from error

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > _MOST_BYTES:
                raise FeedUnavailable(f"{self._source}: answered more than {_MOST_BYTES} bytes")
        return bytes(body)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
