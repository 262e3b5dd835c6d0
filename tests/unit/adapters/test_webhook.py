"""The webhook: what is sent, what each answer means, and that its address is told to nobody."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.adapters.webhook import Webhook, WebhookError, WebhookRefused, WebhookUnavailable
from shared.wire.config_errors import ConfigError

SECRET = "T0KEN-in-the-path"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Webhook]:
    application = web.Application()
    application.router.add_post(f"/services/{SECRET}", answer)
    async with TestServer(application) as server, Webhook(str(server.make_url(f"/services/{SECRET}"))) as webhook:
        yield webhook


def answering(status: int, text: str = "no", **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


def error_of(answer: Answer) -> WebhookError:
    async def main() -> WebhookError:
        async with serving(answer) as webhook:
            with pytest.raises(WebhookError) as raised:
                await webhook.post("an alert")
            shown = "".join(traceback.format_exception(raised.value)) + repr(webhook)
            assert SECRET not in shown
            return raised.value

    return asyncio.run(main())


def test_what_is_sent() -> None:
    async def main() -> None:
        taken: list[object] = []

        async def answer(request: web.Request) -> web.StreamResponse:
            taken.append(await request.json())
            return web.Response(text="ok")

        async with serving(answer) as webhook:
            await webhook.post('FAIL feeds: "no" source')
            await webhook.post("x" * 10_000)
        assert taken == [{"text": 'FAIL feeds: "no" source'}, {"text": "x" * 3000}]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("answer", "kind", "said", "retry_after_s"),
    [
        (answering(429, "slow\n down", Retry_After="30"), WebhookUnavailable, "answered 429: slow down", 30.0),
        (answering(429, Retry_After="Wed, 21 Oct"), WebhookUnavailable, "answered 429", None),
        (answering(503, "<html>" * 1000), WebhookUnavailable, "answered 503: <html>", None),
        (answering(404, "no_team"), WebhookRefused, "answered 404: no_team", None),
        (answering(302, "", Location="http://127.0.0.1:9/"), WebhookRefused, "answered 302", None),
    ],
)
def test_what_an_answer_means(answer: Answer, kind: type[WebhookError], said: str, retry_after_s: float | None) -> None:
    error = error_of(answer)
    assert type(error) is kind
    assert said in str(error)
    assert len(str(error)) < 400
    assert getattr(error, "retry_after_s", None) == retry_after_s


def test_a_connection_cut_off_is_tried_again() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    assert isinstance(error_of(answer), WebhookUnavailable)


def test_nobody_there() -> None:
    async def main() -> None:
        async with Webhook(f"http://127.0.0.1:9/{SECRET}") as webhook:
            with pytest.raises(WebhookUnavailable) as raised:
                await webhook.post("an alert")
        assert str(raised.value) == ("RECOVERY_ALERT_WEBHOOK: 127.0.0.1 cannot be reached: ClientConnectorError")

    asyncio.run(main())


@pytest.mark.parametrize(
    "url", ["", "hooks.example.org/x", f"ftp://host/{SECRET}", "https://", "https://[", "http://h/\n"]
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Webhook(url)
    assert str(raised.value) == "RECOVERY_ALERT_WEBHOOK: must be an address, https://HOST/..."
