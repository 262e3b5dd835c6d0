"""A source's REST interface in a test: answers what it is told to, keeps what it was asked, on a virtual clock."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiohttp import web

from tests.virtual import on_virtual_clock

NOW_S = 1_736_121_600.0  # 2025-01-06 00:00 UTC
NOW_MS = int(NOW_S) * 1000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Scenario = Callable[["RestServer"], Coroutine[Any, Any, Any]]


class RestServer:
    """Answers every GET by a handler.

    Attributes:
        base_url: With a path of its own, as a provider's below the local venue.
        asked: Requests so far, and when, by the loop's clock.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.asked: list[web.Request] = []
        self.asked_at_s: list[float] = []
        self.base_url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.asked_at_s.append(asyncio.get_running_loop().time())
        return await self._handler(request)


def serve(handler: Handler, scenario: Scenario, prefix: str = "/venue") -> Any:
    """Run a scenario beside a server; every wait in it passes at once."""

    async def run() -> Any:
        server = RestServer(handler)
        app = web.Application()
        app.router.add_get("/{path:.*}", server.answer)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}{prefix}"
        try:
            return await scenario(server)
        finally:
            await runner.cleanup()

    return on_virtual_clock(run(), NOW_S)


def answering(*responses: Callable[[], web.Response]) -> Handler:
    """A handler that gives these answers in turn, the last one for ever."""
    left = list(responses)

    async def answer(_: web.Request) -> web.StreamResponse:
        return (left.pop(0) if len(left) > 1 else left[0])()

    return answer


def text(body: str, status: int = 200, **headers: str) -> Callable[[], web.Response]:
    """An answer; header names with underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: web.Response(text=body, status=status, headers=named, content_type="application/json")
