"""Lets aiohttp ask once: it asks a second time, at once and by itself, where a connection ends before it is answered.

A source that cuts every handshake would so see twice as many connections as the budget of them allows.
"""

import aiohttp


async def ask_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Client middleware.

    Raises:
        ClientConnectionError: In the place of those of its kind after which aiohttp asks again.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error) or type(error).__name__) from error
