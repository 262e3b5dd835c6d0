"""Asking over HTTP: bounded, again where that may help, not at all where the source said to wait; no key in a message."""

import asyncio
import socket
from collections.abc import Coroutine
from typing import Any

import pytest
from aiohttp import web

from shared.adapters.feeds import rest as module
from shared.adapters.feeds.call_budget import CallBudget
from shared.adapters.feeds.rest import RestSource
from shared.ports import FeedClosed, FeedError, FeedRefused, FeedUnavailable
from shared.wire.rest_answer import Answer, Question, failure
from tests.unit.adapters.feeds.rest_server import Handler, RestServer, answering, serve, text

KEY = "abcd-1234-secret"
QUESTION = Question("/v1/ask", {"what": "a b"})


def read(answer: Answer) -> bytes:
    if answer.status != 200:
        raise failure("polygon", answer, answer.body.decode())
    return answer.body


def of(server: RestServer, calls: int = 100) -> RestSource:
    return RestSource("polygon", server.base_url, CallBudget(calls), ("Authorization", f"Bearer {KEY}"))


def ask(handler: Handler, times: int = 1, pause_s: float = 0.0) -> tuple[list[bytes | FeedError], RestServer]:
    """What came of asking so often, and the server."""

    async def scenario(server: RestServer) -> tuple[list[bytes | FeedError], RestServer]:
        source = of(server)
        outcomes: list[bytes | FeedError] = []
        for _ in range(times):
            try:
                outcomes.append(await source.ask(QUESTION, read))
            except FeedError as error:
                outcomes.append(error)
            await asyncio.sleep(pause_s)
        await source.close()
        return outcomes, server

    outcome: tuple[list[bytes | FeedError], RestServer] = serve(handler, scenario)
    return outcome


def test_the_key_goes_in_the_header_and_the_path_below_the_address() -> None:
    outcomes, server = ask(answering(text("[]")))
    assert outcomes == [b"[]"]
    (request,) = server.asked
    assert request.path_qs == "/venue/v1/ask?what=a+b"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in str(request.url)


def test_what_fails_for_now_is_asked_again() -> None:
    outcomes, server = ask(answering(text("<html>", 502), text("<html>", 503), text("[]")))
    assert outcomes == [b"[]"]
    assert len(server.asked) == 3


def test_three_failures_are_enough() -> None:
    (error,), server = ask(answering(text("<html>", 500)))
    assert isinstance(error, FeedUnavailable)
    assert str(error) == "polygon: answered 500 Internal Server Error: <html>"
    assert len(server.asked) == 3


def test_a_source_that_asked_to_wait_is_left_alone_for_that_long() -> None:
    (first, second, third), server = ask(answering(text("", 429, Retry_After="30"), text("[]")), times=3, pause_s=16)
    assert isinstance(first, FeedUnavailable)
    assert first.retry_after_s == 30
    assert isinstance(second, FeedUnavailable)
    assert second.retry_after_s == pytest.approx(14, abs=0.1)
    assert str(second).endswith("not asked again before 00:00:30Z")
    assert third == b"[]"
    assert len(server.asked) == 2


def test_without_a_word_on_how_long_it_is_left_alone_for_its_minute() -> None:
    (first, *_), server = ask(answering(text("", 429)), times=3, pause_s=29)
    assert isinstance(first, FeedUnavailable)
    assert first.retry_after_s == 60
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [401, 403, 451])
def test_a_refusal_is_asked_for_again_every_quarter_of_an_hour(status: int) -> None:
    outcomes, server = ask(answering(text("", status)), times=31, pause_s=60)
    assert all(isinstance(outcome, FeedClosed) for outcome in outcomes)
    assert len(server.asked) == 3


def test_a_refusal_of_one_request_stops_no_other() -> None:
    outcomes, server = ask(answering(text("", 404), text("[]")), times=2)
    assert isinstance(outcomes[0], FeedRefused)
    assert outcomes[1] == b"[]"
    assert len(server.asked) == 2


def test_the_key_stands_in_no_message() -> None:
    (error,), _ = ask(answering(text(f"Unknown API Key: {KEY}", 401)))
    assert KEY not in str(error)
    assert KEY not in repr(error)
    assert "[key]" in str(error)


def test_a_redirect_is_not_followed() -> None:
    (error,), server = ask(answering(text("", 302, Location="/elsewhere")))
    assert isinstance(error, FeedRefused)
    assert [request.path for request in server.asked] == ["/venue/v1/ask"]


def test_an_answer_that_never_comes_is_given_up() -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(86_400)
        raise AssertionError

    (error,), server = ask(hang)
    assert isinstance(error, FeedUnavailable)
    assert "does not answer in time" in str(error)
    # Each attempt is given up after 10 s of silence.
    assert server.asked_at_s[-1] - server.asked_at_s[0] == pytest.approx(21, abs=1)


def test_an_answer_that_drips_is_given_up() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b" ")
            await asyncio.sleep(5)
        return response

    (error,), server = ask(drip)
    assert isinstance(error, FeedUnavailable)
    assert server.asked_at_s[-1] - server.asked_at_s[0] == pytest.approx(61, abs=2)


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    (error,), _ = ask(answering(text("x" * 1001)))
    assert isinstance(error, FeedUnavailable)
    assert "more than 1000 bytes" in str(error)
    assert ask(answering(text("x" * 1000)))[0] == [b"x" * 1000]


def test_a_truncated_answer_is_none() -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"[1,")
        assert request.transport is not None
        request.transport.close()
        return response

    (error,), _ = ask(cut)
    assert isinstance(error, FeedUnavailable)


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"

    async def scenario(_: RestServer) -> None:
        source = RestSource("polygon", address, CallBudget(100))
        with pytest.raises(FeedUnavailable, match="cannot be reached"):
            await source.ask(QUESTION, read)
        await source.close()

    serve(answering(text("")), scenario)


def test_only_so_many_are_asked_at_once() -> None:
    at_work: list[int] = []
    most = 0

    async def slow(_: web.Request) -> web.StreamResponse:
        nonlocal most
        at_work.append(1)
        most = max(most, len(at_work))
        await asyncio.sleep(1)
        at_work.pop()
        return web.Response(text="[]")

    async def scenario(server: RestServer) -> None:
        source = of(server)
        await asyncio.gather(*(source.ask(QUESTION, read) for _ in range(30)))
        await source.close()

    serve(slow, scenario)
    assert most == 8


def test_who_waits_for_the_budget_hears_of_a_closure() -> None:
    """The 429 of the first call must not be followed by the calls that stood in line behind it."""

    async def scenario(server: RestServer) -> int:
        source = RestSource("binance", server.base_url, CallBudget(1))
        asking: list[Coroutine[Any, Any, bytes]] = [source.ask(QUESTION, read) for _ in range(3)]
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert all(isinstance(outcome, FeedUnavailable) for outcome in outcomes)
        await source.close()
        return len(server.asked)

    assert serve(answering(text("", 418, Retry_After="3600")), scenario) == 1
