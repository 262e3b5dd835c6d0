"""Text to a websocket client without ever waiting for it: ready-made frames, one write a step, a bounded buffer.

Frames are built once per message and shared by all its readers, which aiohttp's own writer does not offer. A server's
text frame is unmasked and, compression being off, is only a length in front of the payload (RFC 6455, section 5.2).
"""

import asyncio
import struct

_FIN = 0x80
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
GOING_AWAY = 1001
BUFFER_LIMIT_BYTES = 4 * 1024 * 1024


def text_frame(text: str) -> bytes:
    """`text` as one complete, final, unmasked websocket frame."""
    return _frame(_TEXT, text.encode())


def _frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", _FIN | opcode, size) + payload
    if size < 65_536:
        return struct.pack("!BBH", _FIN | opcode, 126, size) + payload
    return struct.pack("!BBQ", _FIN | opcode, 127, size) + payload


class WebsocketClient:
    """One connected reader.

    Args:
        transport: The connection, after its handshake without compression.
        limit_bytes: A client that leaves more than this unread, and more than the largest frames it was ever sent, is cut off.
    """

    def __init__(self, transport: asyncio.Transport, limit_bytes: int = BUFFER_LIMIT_BYTES) -> None:
        self._transport = transport
        self._limit_bytes = limit_bytes
        self._largest_bytes = 0
        self._is_half_open = False

    def send(self, frames: bytes) -> None:
        """Write whole frames, or cut the client off if it does not keep up. Never waits, never raises."""
        if self._is_half_open or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > max(self._limit_bytes, self._largest_bytes):
            self._transport.abort()
            return
        self._largest_bytes = max(self._largest_bytes, len(frames))
        self._transport.write(frames)

    def ping(self, payload: str) -> None:
        """Ask for a sign of life. `payload` is at most 125 bytes."""
        self.send(_frame(_PING, payload.encode()))

    def pong(self, payload: bytes) -> None:
        """Answer a ping."""
        self.send(_frame(_PONG, payload))

    def close(self, code: int = GOING_AWAY, reason: str = "") -> None:
        """Say goodbye and close. `reason` is at most 123 bytes."""
        self.send(_frame(_CLOSE, struct.pack("!H", code) + reason.encode()))
        if not self._transport.is_closing():
            self._transport.close()

    def abort(self) -> None:
        """Close without a word: the client sees 1006."""
        self._transport.abort()

    def half_open(self) -> None:
        """Be a peer that is gone without its connection knowing: nothing is read, answered or sent any more."""
        self._is_half_open = True
        if not self._transport.is_closing():
            self._transport.pause_reading()
