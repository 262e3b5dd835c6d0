"""Frames, and clients that do not read."""

import pytest

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


def unframed(data: bytes) -> list[str]:
    """The texts in `data`, read as RFC 6455 section 5.2 has it: final, unmasked, unfragmented text frames only."""
    texts = []
    while data:
        assert data[0] == 0b1000_0001
        extended = {126: 2, 127: 8}.get(data[1], 0)
        size = int.from_bytes(data[2 : 2 + extended]) if extended else data[1]
        texts.append(data[2 + extended : 2 + extended + size].decode())
        data = data[2 + extended + size :]
    return texts


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_of_every_length_read_back(size: int) -> None:
    text = "é" * (size // 2) + "x" * (size % 2)
    assert unframed(text_frame(text) + text_frame("next")) == [text, "next"]


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
