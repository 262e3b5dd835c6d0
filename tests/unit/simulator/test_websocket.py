"""Frames, and clients that do not read."""

import pytest
from aiohttp import WSMsgType
from aiohttp._websocket.reader_py import WebSocketReader

from shared.simulator.websocket import WebsocketClient, text_frame


class FakeTransport:
    """Keeps what is written; `unread` plays the kernel's full buffer."""

    def __init__(self, unread: int = 0) -> None:
        self.unread, self.written, self.ended = unread, b"", ""

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return bool(self.ended)

    def write(self, frames: bytes) -> None:
        self.written += frames

    def abort(self) -> None:
        self.ended = "aborted"

    def close(self) -> None:
        self.ended = "closed"


class Received:
    """What aiohttp's reader makes of the bytes."""

    def __init__(self) -> None:
        self.messages: list[tuple[WSMsgType, object]] = []

    def feed_data(self, message: tuple[WSMsgType, object], size: int = 0) -> None:
        self.messages.append((message[0], message[1]))


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_of_every_length_read_back(size: int) -> None:
    received = Received()
    reader = WebSocketReader(received, 2**20)
    reader.feed_data(text_frame("é" * (size // 2) + "x" * (size % 2)) + text_frame("next"))
    assert [kind for kind, _ in received.messages] == [WSMsgType.TEXT, WSMsgType.TEXT]
    text = received.messages[0][1]
    assert len(text.encode() if isinstance(text, str) else text) == size


def test_a_client_that_does_not_read_is_cut_off() -> None:
    transport = FakeTransport(unread=11)
    client = WebsocketClient(transport, limit_bytes=10)
    client.send(b"a")
    client.send(b"b")
    assert (transport.ended, transport.written) == ("aborted", b"")


def test_a_client_that_left_is_written_nothing() -> None:
    transport = FakeTransport()
    client = WebsocketClient(transport)
    client.close()
    said = transport.written
    client.send(b"more")
    client.close()
    assert (transport.ended, transport.written) == ("closed", said)
