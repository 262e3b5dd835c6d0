"""What an answer means where it is no success, and how long a source asks to wait."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ports import FeedClosed, FeedError, FeedRefused, FeedUnavailable
from shared.wire.rest_answer import Answer, decode, failure, one_line, words

NUMBERS = msgspec.json.Decoder(list[int])
DATE = "Mon, 06 Jan 2025 00:00:00 GMT"


def of(status: int, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(status, FeedClosed) for status in (401, 403, 451)]
    + [(status, FeedUnavailable) for status in (408, 418, 425, 429, 500, 502, 503, 504, 520, 599)]
    + [(status, FeedRefused) for status in (301, 302, 307, 400, 404, 405, 410)],
)
def test_each_status_is_one_kind_of_error(status: int, kind: type[FeedError]) -> None:
    assert type(failure("polygon", of(status), "words")) is kind


@given(st.integers(100, 999), st.text(), st.dictionaries(st.sampled_from(["date", "retry-after"]), st.text()))
def test_whatever_is_answered_is_an_error_of_one_sentence(status: int, said: str, headers: dict[str, str]) -> None:
    error = failure("polygon", Answer(status, headers, b""), one_line(said))
    assert str(error).startswith("polygon: answered ")
    assert "\n" not in str(error)
    if isinstance(error, FeedUnavailable) and error.retry_after_s is not None:
        assert 0 <= error.retry_after_s <= 3 * 86_400


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "30"}, 30),
        ({"retry_after": "0"}, 0),
        ({"retry_after": "9" * 5000}, 3 * 86_400),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "Mon, 06 Jan 2025 00:02:00 GMT", "date": DATE}, 120),
        ({"retry_after": "Mon, 06 Jan 2025 00:02:00 GMT"}, None),
        ({"retry_after": "Sun, 05 Jan 2025 00:02:00 GMT", "date": DATE}, 0),
        ({"retry_after": "Fri, 31 Dec 9999 00:00:00 GMT", "date": DATE}, 3 * 86_400),
    ],
)
def test_the_wait_is_what_the_source_asks_by_its_own_clock(headers: dict[str, str], seconds: float | None) -> None:
    assert of(503, **headers).retry_after_s == seconds


def test_too_many_calls_without_a_wait_named_wait_for_the_next_minute() -> None:
    unnamed, named = failure("binance", of(429), ""), failure("binance", of(429, retry_after="7"), "")
    banned = failure("binance", of(418), "")
    assert isinstance(unnamed, FeedUnavailable)
    assert isinstance(named, FeedUnavailable)
    assert isinstance(banned, FeedUnavailable)
    assert (unnamed.retry_after_s, named.retry_after_s, banned.retry_after_s) == (60, 7, 120)


@given(st.binary())
def test_no_body_makes_the_decoder_raise_anything_but_its_error(body: bytes) -> None:
    answer = Answer(200, {}, body)
    try:
        assert isinstance(decode("polygon", answer, NUMBERS), list)
    except FeedUnavailable as error:
        assert len(str(error)) < 2000
    words(answer, NUMBERS)


def test_what_is_not_json_is_named_with_its_beginning() -> None:
    with pytest.raises(FeedUnavailable, match=r"answered what cannot be read: JSON is malformed.*'<html>.*"):
        decode("polygon", Answer(200, {}, b"<html>" + b"x" * 10_000), NUMBERS)
    with pytest.raises(FeedUnavailable, match="nothing at all"):
        decode("polygon", Answer(200, {}, b""), NUMBERS)
    with pytest.raises(FeedUnavailable):
        decode("polygon", Answer(200, {}, b"[" * 1_000_000), msgspec.json.Decoder())
