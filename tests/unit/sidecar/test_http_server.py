"""The sidecar's server: where it is said to be, for whom, for how long, and who is refused."""

import asyncio
import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from shared.adapters.feed_address import SERVER_FILE, find_address
from shared.sidecar.care import LASTING
from shared.sidecar.config import SidecarConfigError
from shared.sidecar.feed_config import ServerConfig
from shared.sidecar.http_server import TOKEN, HttpServer
from shared.sidecar.services import Supervision, Watched
from tests.conftest import VirtualRun

LOOPBACK = ServerConfig(host="127.0.0.1", port=0)


@pytest.fixture(autouse=True)
def _no_token_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    (tmp_path / "data").mkdir()


def routes(token: str) -> Sequence[web.RouteDef]:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def guarded(request: web.Request) -> web.Response:
        is_known = request.headers.get("Authorization") == f"Bearer {token}"
        return web.Response(status=200 if is_known else 401)

    return [web.get("/hello", hello), web.get("/guarded", guarded)]


async def status(url: str, path: str = "/hello", token: str = "") -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(url + path, headers=headers) as answer:
        return answer.status


async def until_there(file: Path, *, is_there: bool = True) -> None:
    while file.exists() is not is_there:
        await asyncio.sleep(0.1)


def test_its_file_says_where_it_is_to_its_owner_alone_and_goes_with_it(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        server = HttpServer(tmp_path, LOOPBACK, routes)
        file = tmp_path / SERVER_FILE
        assert not file.exists(), "not before it serves"
        serving = asyncio.create_task(server.step())
        await until_there(file)
        assert file.stat().st_mode & 0o777 == 0o600
        address = find_address(tmp_path)
        assert address == server.address
        assert server.detail() == {"url": address.url}
        assert len(address.token) >= 32
        assert address.token not in repr(address)
        assert await status(address.url) == 200
        assert await status(address.url, "/guarded", address.token) == 200
        serving.cancel()
        await asyncio.wait((serving,))
        assert not file.exists()
        server.close()

    before = os.umask(0)
    try:
        run_virtual(use())
    finally:
        os.umask(before)


def test_it_leaves_the_file_of_another_one_alone(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        server = HttpServer(tmp_path, LOOPBACK, routes)
        file = tmp_path / SERVER_FILE
        serving = asyncio.create_task(server.step())
        await until_there(file)
        file.write_text(json.dumps({"url": "http://127.0.0.1:1", "token": "another"}))
        serving.cancel()
        await asyncio.wait((serving,))
        assert file.exists()
        server.close()

    run_virtual(use())


def test_after_a_defect_it_serves_again_at_the_same_address(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        failing = [True]

        def routes_that_fail_once(token: str) -> Sequence[web.RouteDef]:
            if failing:
                failing.pop()
                raise ZeroDivisionError("a defect")
            return routes(token)

        server = HttpServer(tmp_path, LOOPBACK, routes_that_fail_once)
        said: list[str] = []
        watched = Watched(server, LASTING)
        supervision = Supervision([watched], said.append)
        running = asyncio.create_task(supervision.run())
        await until_there(tmp_path / SERVER_FILE)
        assert await status(server.address.url) == 200
        assert watched.defects == 1
        step = watched.at_work
        assert step is not None
        step.cancel()
        await until_there(tmp_path / SERVER_FILE, is_there=False)
        await until_there(tmp_path / SERVER_FILE)
        assert await status(server.address.url) == 200
        supervision.stop()
        await asyncio.wait_for(running, 60)
        server.close()
        with pytest.raises(aiohttp.ClientConnectorError):
            await status(server.address.url)

    run_virtual(use())


def test_the_users_own_token_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "a-token-of-mine")
    server = HttpServer(tmp_path, LOOPBACK, routes)
    server.close()
    assert server.address.token == "a-token-of-mine"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_others_are_let_in_with_a_token_of_the_users_alone(tmp_path: Path, host: str) -> None:
    with pytest.raises(SidecarConfigError) as raised:
        HttpServer(tmp_path, ServerConfig(host=host, port=0), routes)
    assert str(raised.value) == (
        f"server.host = {host}: is open to other machines: set RECOVERY_SIDECAR_TOKEN, or listen on 127.0.0.1"
    )


def test_open_to_others_nothing_is_told_without_the_token(
    run_virtual: VirtualRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, "a-token-of-mine")

    async def use() -> None:
        server = HttpServer(tmp_path, ServerConfig(host="0.0.0.0", port=0), routes)
        serving = asyncio.create_task(server.step())
        await until_there(tmp_path / SERVER_FILE)
        url = server.address.url.replace("0.0.0.0", "127.0.0.1")
        for path, found in (("/hello", 200), ("/guarded", 200), ("/nothing", 404)):
            assert await status(url, path) == 401
            assert await status(url, path, "another") == 401
            assert await status(url, path, "a-token-of-mine") == found
        serving.cancel()
        await asyncio.wait((serving,))
        server.close()

    run_virtual(use())


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SidecarConfigError) as raised:
            HttpServer(tmp_path, ServerConfig(host="127.0.0.1", port=port), routes)
    assert str(raised.value) == (
        f"server.port = {port}: 127.0.0.1 cannot be listened on there (Address already in use); choose another, or "
        "0 for any free one"
    )


def test_an_address_of_six_is_written_in_brackets(tmp_path: Path) -> None:
    server = HttpServer(tmp_path, ServerConfig(host="::1", port=0), routes)
    server.close()
    assert server.address.url.startswith("http://[::1]:")


def test_a_token_that_no_header_can_hold_is_refused_and_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, "two words")
    with pytest.raises(SidecarConfigError) as refused:
        HttpServer(tmp_path, ServerConfig(host="127.0.0.1", port=0), lambda _: [])
    assert str(refused.value) == "RECOVERY_SIDECAR_TOKEN: must be 1 to 512 printable characters without a space"
