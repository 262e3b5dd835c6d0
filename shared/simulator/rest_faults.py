"""Faults of REST interfaces, in front of whatever answers: one middleware for every source the local venue plays."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from aiohttp import web

from shared.simulator.fault_kinds import Kind, Part, Where
from shared.simulator.faults import Fault, Faults, Injection

_KINDS = (Kind.HANG, Kind.STATUS, Kind.NOT_JSON, Kind.HUGE, Kind.CUT, Kind.SLOW)
_LOOK_S = 0.5  # how soon an end is noticed of a client that is kept waiting
_PIECES = 10
_SERVER_ERROR = 500
_CHUNK_BYTES = 64 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class RestFace:
    """What the middleware must know of a source.

    Attributes:
        where: The source.
        prefixes: Beginnings of its paths.
        error: Body of its own JSON for an HTTP status.
        symbols: What a request is about, in the source's own quote.
    """

    where: Where
    prefixes: tuple[str, ...]
    error: Callable[[int], Mapping[str, Any]]
    symbols: Callable[[web.Request], Sequence[str]]


def rest_faults(faults: Faults, faces: Sequence[RestFace]) -> Any:
    """A middleware for the application that serves these sources. Websockets pass it by."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        face = next((face for face in faces if request.path.startswith(face.prefixes)), None)
        if face is None or "upgrade" in request.headers:
            return await handler(request)
        if faults.peek(face.where, Part.REST, (Kind.DOWN,)):
            return cut_off(request)
        injection = faults.take(face.where, Part.REST, _KINDS, face.symbols(request))
        answer = await handler(request) if injection is None else await _wrong(request, handler, face, injection)
        skew_s = faults.skew_s(face.where, Part.REST)
        if skew_s and not answer.prepared:
            answer.headers["Date"] = formatdate(time.time() + skew_s, usegmt=True)
        return answer

    return middleware


async def _wrong(request: web.Request, handler: Handler, face: RestFace, injection: Injection) -> web.StreamResponse:
    fault = injection.fault
    match fault.kind:
        case Kind.HANG:
            return await hang(request, injection)
        case Kind.STATUS:
            return _status(face, fault)
        case Kind.NOT_JSON:
            return web.Response(text=_PAGE.format(title="Please wait"), content_type="text/html")
        case Kind.HUGE:
            return await _huge(request, fault.size_bytes or 0)
        case _:
            return await _piecemeal(request, await handler(request), fault)


async def hang(request: web.Request, injection: Injection) -> web.StreamResponse:
    """Say nothing until the client gives up or the fault is over; then the connection ends."""
    while not is_gone(request) and not injection.is_over:
        await asyncio.sleep(_LOOK_S)
    return cut_off(request)


def is_gone(request: web.Request) -> bool:
    """Whether the client has left."""
    return request.transport is None or request.transport.is_closing()


def cut_off(request: web.Request) -> web.StreamResponse:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # goes nowhere


def _status(face: RestFace, fault: Fault) -> web.Response:
    status = int(fault.status or _SERVER_ERROR)
    headers = {} if fault.retry_after_s is None else {"Retry-After": f"{fault.retry_after_s:g}"}
    if status >= _SERVER_ERROR:
        page = _PAGE.format(title=f"{status} Server Error")
        return web.Response(status=status, text=page, content_type="text/html", headers=headers)
    body = json.dumps(face.error(status))
    return web.Response(status=status, text=body, content_type="application/json", headers=headers)


async def _huge(request: web.Request, size_bytes: int) -> web.StreamResponse:
    """Blanks without end, where JSON should begin."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    await answer.prepare(request)
    sent = 0
    while sent < size_bytes and not is_gone(request):
        await answer.write(b" " * min(_CHUNK_BYTES, size_bytes - sent))
        sent += _CHUNK_BYTES
    return answer


async def _piecemeal(request: web.Request, whole: web.StreamResponse, fault: Fault) -> web.StreamResponse:
    """The right answer, in pieces: cut in the middle, or one piece after the other for `delay_s`."""
    body = whole.body if isinstance(whole, web.Response) and isinstance(whole.body, bytes) else b""
    answer = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.content_type})
    answer.content_length = len(body)
    await answer.prepare(request)
    if fault.kind is Kind.CUT:
        await answer.write(body[: len(body) // 2])
        return cut_off(request)
    size = -(-len(body) // _PIECES)
    for first in range(0, len(body), size):
        await asyncio.sleep((fault.delay_s or 0.0) / _PIECES)
        if is_gone(request):
            break
        await answer.write(body[first : first + size])
    return answer


_PAGE = "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
