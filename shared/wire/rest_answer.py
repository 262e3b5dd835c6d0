"""A source's REST interface, as far as all sources have it in common: what is asked, what is answered, what a failure means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import msgspec

from shared.ports import FeedClosed, FeedError, FeedRefused, FeedUnavailable

# The sources count calls by the minute: where one does not say how long to wait, its next minute is early enough.
_LIMIT_WINDOW_S = 60.0
# Binance's bans last from two minutes to three days.
_SHORTEST_BAN_S, LONGEST_WAIT_S = 120.0, 3 * 86_400.0
_EXCERPT = 200
_ADVICE = {
    HTTPStatus.UNAUTHORIZED: "check its key",
    HTTPStatus.FORBIDDEN: "check its key, its plan and where this machine is",
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS: "it does not serve where this machine is",
}
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY)


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask for.

    Attributes:
        path: Below the source's address, percent-encoded.
        parameters: Of the query. Never a key: addresses are logged.
        weight: What it costs of the calls allowed.
    """

    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer.

    Attributes:
        status: HTTP's.
        headers: By name in lower case.
        body: Decompressed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def sent_at_s(self) -> float | None:
        """When it was made, by the source's clock, UTC epoch seconds; None where it does not say."""
        return _epoch_s(self.headers.get("date", ""))

    @property
    def retry_after_s(self) -> float | None:
        """What it asks to wait, by number or by date, at most three days; None where it does not say."""
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return min(float(value[:9]), LONGEST_WAIT_S)
        # Both dates are the source's, so this machine's clock has no say in their difference.
        until_s, sent_s = _epoch_s(value), self.sent_at_s
        if until_s is None or sent_s is None:
            return None
        return min(max(0.0, until_s - sent_s), LONGEST_WAIT_S)


def _epoch_s(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def failure(source: str, answer: Answer, said: str) -> FeedError:
    """What an answer without success means.

    Args:
        said: The source's own words, out of its own format; empty where there are none.

    Returns:
        FeedUnavailable where it passes, with the wait where calls were too many; FeedClosed where the source lets nobody in
        with this key from this place; FeedRefused for the rest.
    """
    what = f"{source}: answered {_phrase(answer.status)}" + (f": {said}" if said else "")
    if answer.status in _ADVICE:
        return FeedClosed(f"{what}; {_ADVICE[HTTPStatus(answer.status)]}")
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return FeedUnavailable(what, _or_else(answer.retry_after_s, _LIMIT_WINDOW_S))
    if answer.status == HTTPStatus.IM_A_TEAPOT:  # Binance's word for an address that asked on after a 429
        return FeedUnavailable(what, _or_else(answer.retry_after_s, _SHORTEST_BAN_S))
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in _PASSING:
        return FeedUnavailable(what, answer.retry_after_s)
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return FeedRefused(f"{what}: it sends us elsewhere, where the key must not go; check its address")
    return FeedRefused(what)


def _or_else(asked_s: float | None, default_s: float) -> float:
    return default_s if asked_s is None else asked_s


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def decode[T](source: str, answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
    """The body of a successful answer.

    Raises:
        FeedUnavailable: It is not JSON, or not of the shape the decoder knows.
    """
    try:
        return decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(source, str(error), answer) from error


def unreadable(source: str, why: str, answer: Answer) -> FeedUnavailable:
    """The error for a successful answer that makes no sense. Part of it is never taken for the whole."""
    return FeedUnavailable(f"{source}: answered what cannot be read: {why}: {_excerpt(answer.body)}")


def _excerpt(body: bytes) -> str:
    return repr(body[:_EXCERPT].decode("utf-8", "replace")) if body else "nothing at all"


def words[T](answer: Answer, decoder: msgspec.json.Decoder[T]) -> T | None:
    """A failure in the source's own format; None where it is in another, e.g. a gateway's page."""
    try:
        return decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def one_line(text: str) -> str:
    """A source's words, short enough for a log and on one line."""
    return " ".join(text.split())[:_EXCERPT]
