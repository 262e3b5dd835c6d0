"""Supabase's API on this machine: the real PostgREST behind a gateway that does with keys and addresses what Supabase's does.

The gateway can answer in the place of PostgREST, or lose PostgREST's answer after the work is done.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import asyncpg
import pytest
from aiohttp import web
from multidict import MultiMapping

from tests import tools

_PREFIX = "/rest/v1"
_PATIENCE_S = 30.0
_JWT_SECRET = secrets.token_hex(32)
# As Supabase sets it up: a role that may do nothing but become one of the three.
_AUTHENTICATOR = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticator') THEN
        CREATE ROLE authenticator LOGIN NOINHERIT;
    END IF;
    GRANT anon, authenticated, service_role TO authenticator;
END $$
"""


def legacy_key(role: str) -> str:
    """A key as Supabase made them before: a JWT (HS256) that says its role."""
    header, claims = (_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, {"role": role}))
    signature = hmac.digest(_JWT_SECRET.encode(), f"{header}.{claims}".encode(), hashlib.sha256)
    return f"{header}.{claims}.{_base64(signature)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class PostgRest:
    """PostgREST before a database, on a socket in a folder of its own. The roles are there already.

    Args:
        folder: Made if absent; its path must be short.
        database_url: As a superuser.
        max_rows: How many it answers at most, whatever is asked for.
    """

    def __init__(self, folder: Path, database_url: str, max_rows: int = 1000) -> None:
        self.socket = folder / "api"
        self._folder = folder
        self._database_url = database_url
        self._max_rows = max_rows
        self._binary = tools.postgrest()
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it serves."""
        connection = await asyncpg.connect(self._database_url)
        await connection.execute(_AUTHENTICATOR)
        await connection.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = {
            "PGRST_DB_URI": self._database_url.replace("//postgres@", "//authenticator@"),
            "PGRST_DB_SCHEMAS": "public",
            "PGRST_DB_ANON_ROLE": "anon",
            "PGRST_DB_MAX_ROWS": str(self._max_rows),
            "PGRST_JWT_SECRET": _JWT_SECRET,
            "PGRST_SERVER_UNIX_SOCKET": str(self.socket),
        }
        log = self._folder / "postgrest.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen([self._binary], env=os.environ | settings, stdout=output, stderr=output)
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while not await self._serves():
            if self._process.poll() is not None or asyncio.get_running_loop().time() > deadline:
                pytest.fail(f"PostgREST does not start: {log.read_text()}")
            await asyncio.sleep(0.05)

    async def _serves(self) -> bool:
        try:
            async with _session(self.socket) as session, session.get("http://postgrest/") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def _session(socket: Path) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket)), auto_decompress=False)


@dataclass(frozen=True)
class Answer:
    """What the gateway says in the place of PostgREST: JSON, or bytes as they are."""

    status: int
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LostAnswer:
    """PostgREST does the work; the connection breaks before its answer."""


@dataclass(frozen=True)
class Silence:
    """Nothing is said, and the connection stays."""


Fault = Answer | LostAnswer | Silence


class SupabaseGateway:
    """A gateway on 127.0.0.1, in this event loop.

    Attributes:
        secret_key, publishable_key: Of the new kind. Of the legacy kind it takes those of `legacy_key`.
        faults: What becomes of the next requests, one each; then all is well.
        requests: Method and path of each request that arrived.
        queries: What follows the question mark of each.
        tokens: The keys it takes, and what it makes PostgREST take for each.
    """

    def __init__(self, postgrest: Path) -> None:
        self.secret_key = f"sb_secret_{secrets.token_urlsafe(24)}"
        self.publishable_key = f"sb_publishable_{secrets.token_urlsafe(24)}"
        self.faults: deque[Fault] = deque()
        self.requests: list[str] = []
        self.queries: list[MultiMapping[str]] = []
        self.url = ""
        self.tokens = {
            self.secret_key: legacy_key("service_role"),
            self.publishable_key: legacy_key("anon"),
            **{legacy_key(role): legacy_key(role) for role in ("service_role", "anon")},
        }
        self._postgrest = postgrest

    async def __aenter__(self) -> Self:
        self._upstream = _session(self._postgrest)
        application = web.Application(client_max_size=2**28)
        application.router.add_route("*", _PREFIX + "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = "http://127.0.0.1:{1}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._runner.cleanup()
        await self._upstream.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path.removeprefix(_PREFIX)}")
        self.queries.append(request.query)
        fault = self.faults.popleft() if self.faults else None
        if isinstance(fault, Answer):
            body = fault.body if isinstance(fault.body, bytes) else json.dumps(fault.body).encode()
            headers = {"Content-Type": "application/json", **fault.headers}
            return web.Response(status=fault.status, body=body, headers=headers)
        if isinstance(fault, Silence):
            await asyncio.sleep(3600)
        key = request.headers.get("apikey", "")
        if key not in self.tokens:
            return web.json_response({"message": "Invalid API key", "hint": "Double check your API key."}, status=401)
        answer = await self._forward(request, key)
        if isinstance(fault, LostAnswer):
            assert request.transport is not None
            request.transport.abort()
        return answer

    async def _forward(self, request: web.Request, key: str) -> web.Response:
        dropped = ("host", "apikey", "accept-encoding")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in dropped}
        # Only in the place of none: what calls itself a bearer token, PostgREST has to take for one.
        headers.setdefault("Authorization", f"Bearer {self.tokens[key]}")
        path = request.raw_path.removeprefix(_PREFIX)
        body = await request.read()
        async with self._upstream.request(
            request.method, aiohttp.client.URL(f"http://postgrest{path}", encoded=True), headers=headers, data=body
        ) as answer:
            kept = ("content-type", "content-range", "content-location", "preference-applied", "location")
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                headers={name: value for name, value in answer.headers.items() if name.lower() in kept},
            )


@asynccontextmanager
async def supabase_api(database_url: str) -> AsyncIterator[SupabaseGateway]:
    """PostgREST and gateway before a migrated database: `url` and `secret_key` are all that a client needs."""
    folder = Path(tempfile.mkdtemp(prefix="r-"))
    postgrest = PostgRest(folder, database_url)
    try:
        await postgrest.start()
        async with SupabaseGateway(postgrest.socket) as gateway:
            yield gateway
    finally:
        postgrest.stop()
        shutil.rmtree(folder, ignore_errors=True)
