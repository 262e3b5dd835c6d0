"""A real browser for pages of ours: headless Chromium, asked over its DevTools protocol (chromedevtools.github.io)."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.tools import chromium

# It shows files of ours alone, and root may not use its sandbox. Without a GPU it does not look for libraries of one.
_OPTIONS = ("--headless=shell", "--no-sandbox", "--no-zygote", "--disable-gpu", "--remote-debugging-port=0")
_STARTS_S, _ANSWERS_S = 60, 30


class BrowserPage:
    """One page, open in the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._session: dict[str, str] = {}

    async def open(self, path: Path, width: int) -> None:
        """Show a file in a window so many pixels wide, and wait until all of it is loaded."""
        targets = (await self._ask("Target.getTargets"))["targetInfos"]
        (tab,) = (target["targetId"] for target in targets if target["type"] == "page")
        attached = await self._ask("Target.attachToTarget", targetId=tab, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        await self._ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False
        )
        await self._ask("Page.navigate", url=path.as_uri())
        async with asyncio.timeout(_ANSWERS_S):
            while await self.evaluate("document.readyState + location.protocol") != "completefile:":
                await asyncio.sleep(0.1)

    async def evaluate(self, expression: str) -> Any:
        """What an expression of JavaScript comes to on the page."""
        answer = await self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": params, **self._session})
        async with asyncio.timeout(_ANSWERS_S):
            while True:
                answer = await self._socket.receive_json()
                if answer.get("id") == number:
                    assert "error" not in answer, answer
                    result: dict[str, Any] = answer["result"]
                    return result


@asynccontextmanager
async def browser_page(profile: Path) -> AsyncIterator[BrowserPage]:
    """A page of a browser that ends with the block.

    Args:
        profile: A folder of the browser's own, made here; what it says is kept in it.
    """
    profile.mkdir()
    # To a file: a pipe that nobody reads on ends the browser.
    with (profile / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *(chromium(), *_OPTIONS, f"--user-data-dir={profile}", "about:blank"),
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        address = await _address(process, profile)
        async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=0) as socket:
            yield BrowserPage(socket)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _address(process: asyncio.subprocess.Process, profile: Path) -> str:
    """Where it listens: the port and the path it writes into its profile."""
    told = profile / "DevToolsActivePort"
    async with asyncio.timeout(_STARTS_S):
        while True:
            if told.exists() and len(lines := told.read_text().splitlines()) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            if process.returncode is not None:
                said = (profile / "said").read_text()
                if "error while loading shared libraries" in said:
                    pytest.skip(f"Chromium: {said.strip().splitlines()[0]}")
                pytest.fail(f"the browser ended: {said}")
            await asyncio.sleep(0.1)
