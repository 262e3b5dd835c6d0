"""Who may ask: whoever sends the token, whatever else is in the header."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from shared.sidecar.http_token import token_required

TOKEN = "the-token"


def status(header: str | None) -> int:
    """What is answered to a request with this header."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response()

    async def asked() -> int:
        request: Any = SimpleNamespace(headers={} if header is None else {"Authorization": header})
        return (await token_required(TOKEN, handler)(request)).status

    return asyncio.run(asked())


def test_the_token_opens() -> None:
    assert status(f"Bearer {TOKEN}") == 200


@pytest.mark.parametrize(
    "header",
    [None, "", TOKEN, f"bearer {TOKEN}", f"Bearer {TOKEN} ", "Bearer the-toke", "Bearer the-tokeé", "Bearer \udcff"],
)
def test_nothing_else_does(header: str | None) -> None:
    assert status(header) == 401
