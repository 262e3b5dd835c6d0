"""Supabase's API by its official client: the key checked, requests tried again, errors as one sentence each, none with the key.

Every request made here may be sent twice: what it asks for is read, or replaced, or guarded by a cursor.
"""

import asyncio
import base64
import json
import random
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from postgrest import APIResponse
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from shared.adapters.postgres.connection import DiskFull, SchemaMissing
from shared.ports import StoreError, StoreUnavailable, ValuesRefused

_SECRET_KEY = "sb_secret_"
_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
# Longer than the 8 s after which Supabase ends a statement.
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500
_KEY_REFUSED = (401, 403)
_DISK_FULL = "53100"
# PostgREST's words and Postgres's for a function, a column, a table or a schema that is not there.
_SCHEMA_MISSING = ("PGRST202", "PGRST204", "PGRST205", "42P01", "42883", "42703", "3F000")
# Classes of Postgres's errors that pass: connection, rollback, resources, in use, intervention.
_PASSING_CLASSES = ("08", "40", "53", "55", "57")
# Of Postgres's errors about values: of a type, and of a constraint.
_VALUE_CLASSES = ("22", "23")

Pause = Callable[[float], Awaitable[None]]


class Request(Protocol):
    """A request as the client's builders make it."""

    def execute(self) -> Coroutine[Any, Any, APIResponse]:
        """Send it."""
        ...


@dataclass(eq=False)
class _Refusal(Exception):
    """An answer other than success. The client's own error does not tell the status."""

    status: int
    code: str
    said: str
    retry_after_s: float

    @property
    def passes(self) -> bool:
        """Whether the same request may succeed later."""
        if self.status == _TOO_MANY_REQUESTS:
            return True
        return self.status >= _SERVER_ERROR and (not self._is_of_postgres or self.code[:2] in _PASSING_CLASSES)

    @property
    def is_of_values(self) -> bool:
        """Whether with other values the request would have succeeded."""
        return self._is_of_postgres and self.code[:2] in _VALUE_CLASSES

    @property
    def _is_of_postgres(self) -> bool:
        return re.fullmatch(r"[0-9A-Z]{5}", self.code) is not None


class SupabaseApi:
    """The API of one project. Use `connect`.

    Args:
        url: Of the project, as in SUPABASE_URL.
        key: A secret key, new (sb_secret_...) or legacy (a JWT of the role service_role).
        pause: Waits so many seconds between attempts.

    Raises:
        StoreError: The address or the key cannot be used.
    """

    def __init__(self, url: str, key: str, pause: Pause = asyncio.sleep) -> None:
        _check_url(url)
        _check_key(key)
        self._url = url.rstrip("/")
        self._key = key
        self._pause = pause
        self._client: AsyncClient
        # One session for all of the client, ours to set and to close. It follows no redirect: the key would go along.
        self._session = httpx.AsyncClient(
            timeout=_TIMEOUT, event_hooks={"request": [self._leave_bearer], "response": [self._raise_refusal]}
        )

    @classmethod
    async def connect(cls, url: str, key: str, pause: Pause = asyncio.sleep) -> "SupabaseApi":
        """Prepare to speak with a project, arguments as above; nothing is sent yet.

        Raises:
            StoreError: The address or the key cannot be used.
        """
        api = cls(url, key, pause)
        # Its own retries are for reads alone; ours are for all.
        options = AsyncClientOptions(
            httpx_client=api._session, postgrest_client_retry=False, auto_refresh_token=False, persist_session=False
        )
        api._client = await acreate_client(api._url, key, options)
        return api

    async def send(self, make: Callable[[AsyncClient], Request]) -> APIResponse:
        """Make a request and send it, again where it failed for a reason that passes.

        Raises:
            StoreUnavailable: It failed at every attempt.
            StoreError: It was refused.
        """
        attempt, pause_s = 1, _FIRST_PAUSE_S
        while True:
            asked_s = 0.0
            try:
                return await make(self._client).execute()
            except _Refusal as refusal:
                if not refusal.passes or refusal.code == _DISK_FULL:
                    raise self._refused(refusal) from refusal
                trouble, asked_s = refusal.said, refusal.retry_after_s
            except httpx.TransportError as error:
                trouble = str(error) or type(error).__name__
            if attempt == _ATTEMPTS or asked_s > _LONGEST_PAUSE_S:
                raise StoreUnavailable(f"{self._url}: cannot be reached: {trouble}; given up at attempt {attempt}")
            await self._pause(max(pause_s * random.uniform(0.5, 1.0), asked_s))
            attempt, pause_s = attempt + 1, pause_s * 2

    async def close(self) -> None:
        """Close every connection."""
        await self._session.aclose()

    def _refused(self, refusal: _Refusal) -> StoreError:
        if refusal.code == _DISK_FULL:
            return DiskFull(
                f"{self._url}: the database's disk is full: {refusal.said}; nothing was lost, free space there"
            )
        if refusal.code in _SCHEMA_MISSING:
            return SchemaMissing(
                f"{self._url}: the store is missing or of another version: {refusal.said}; run recovery db migrate"
            )
        if refusal.status in _KEY_REFUSED:
            return StoreError(f"{self._url}: SUPABASE_SECRET_KEY was refused: {refusal.said}")
        if refusal.is_of_values:
            return ValuesRefused(f"{self._url}: {refusal.said}")
        return StoreError(f"{self._url}: {refusal.said}")

    async def _leave_bearer(self, request: httpx.Request) -> None:
        # The client sends its key as a bearer token too. A new key is none, and some gateways refuse the request for it.
        if self._key.startswith(_SECRET_KEY):
            del request.headers["Authorization"]

    async def _raise_refusal(self, response: httpx.Response) -> None:
        content = await response.aread()
        try:
            body = json.loads(content) if content else None
            # An empty answer to a question would be taken for no rows.
            understood = response.request.method != "GET" or bool(content)
        except ValueError:
            body, understood = None, False
        if response.is_success and understood:
            return
        error = body if isinstance(body, dict) else {}
        said = error.get("message") or (response.reason_phrase if not response.is_success else "no answer of the API")
        raise _Refusal(
            response.status_code,
            str(error.get("code") or ""),
            f"{str(said).splitlines()[0].replace(self._key, '[key]')} (status {response.status_code})",
            _retry_after_s(response.headers.get("Retry-After", "")),
        )


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname is not None and (parts.port or 1) > 0
    except ValueError:
        usable = False
    # Not repeated: it may be the key, set in the wrong place.
    if not usable or parts.path.strip("/") or parts.query or "@" in parts.netloc:
        raise StoreError("SUPABASE_URL: must be the project's address alone, e.g. https://PROJECT.supabase.co")


def _check_key(key: str) -> None:
    if key.startswith(_SECRET_KEY):
        return
    needed = "must be the secret key, sb_secret_... or a legacy one of the role service_role"
    if key.startswith("sb_publishable_"):
        raise StoreError(f"SUPABASE_SECRET_KEY: is a publishable key, which may read nothing; {needed}")
    try:
        _, claims, _ = key.split(".")
        role = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["role"]
    except (ValueError, KeyError, TypeError):
        # Not chained: the error may repeat a part of the key.
        raise StoreError(f"SUPABASE_SECRET_KEY: is no key of Supabase; {needed}") from None
    if role != "service_role":
        raise StoreError(f"SUPABASE_SECRET_KEY: is a key of the role {role}, which may read nothing; {needed}")


def _retry_after_s(value: str) -> float:
    """Seconds the server asks to wait, by number or by date; 0 where it asks nothing that HTTP knows."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    # HTTP's dates are GMT, said or not.
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
