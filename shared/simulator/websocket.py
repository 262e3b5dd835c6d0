"""Text to a websocket client without ever waiting for it: ready-made frames, one write a step, a bounded buffer.

Frames are built once per message and shared by all its readers, which aiohttp's own writer does not offer. A server's
text frame is unmasked and, compression being off, is only a length in front of the payload (RFC 6455, section 5.2).
"""

import asyncio
import struct

_FIN_TEXT = 0x81
_GOING_AWAY_FRAME = b"\x88\x02" + struct.pack("!H", 1001)
BUFFER_LIMIT_BYTES = 4 * 1024 * 1024


def text_frame(text: str) -> bytes:
    """`text` as one complete, final, unmasked websocket frame."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", _FIN_TEXT, size) + payload
    if size < 65_536:
        return struct.pack("!BBH", _FIN_TEXT, 126, size) + payload
    return struct.pack("!BBQ", _FIN_TEXT, 127, size) + payload


class WebsocketClient:
    """One connected reader.

    Args:
        transport: The connection, after its handshake without compression.
        limit_bytes: A client that leaves more than this unread is cut off.
    """

    def __init__(self, transport: asyncio.Transport, limit_bytes: int = BUFFER_LIMIT_BYTES) -> None:
        self._transport = transport
        self._limit_bytes = limit_bytes

    def send(self, frames: bytes) -> None:
        """Write whole frames, or cut the client off if it does not keep up. Never waits, never raises."""
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > self._limit_bytes:
            self._transport.abort()
            return
        self._transport.write(frames)

    def close(self) -> None:
        """Say goodbye and close."""
        if not self._transport.is_closing():
            self._transport.write(_GOING_AWAY_FRAME)
            self._transport.close()
