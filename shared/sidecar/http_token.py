"""Who may ask the sidecar's server: whoever sends its token."""

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def token_required(token: str, handler: Handler) -> Handler:
    """The same, for requests with `Authorization: Bearer TOKEN`."""

    async def checked(request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        # A header may hold bytes that are no text.
        if not hmac.compare_digest(given.encode(errors="surrogateescape"), f"Bearer {token}".encode()):
            return web.json_response({"error": "Authorization: must be Bearer and the sidecar's token"}, status=401)
        return await handler(request)

    return checked
