"""Frames, and clients that do not read."""

import pytest

from shared.simulator.websocket import WebsocketClient, text_frame


class FakeTransport:
    """Keeps what is written; `unread` plays the kernel's full buffer."""

    def __init__(self, unread: int = 0) -> None:
        self.unread, self.written, self.ended, self.reads = unread, b"", "", True

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

    def pause_reading(self) -> None:
        self.reads = False


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


def test_one_large_frame_is_no_reason_to_cut_a_client_off() -> None:
    transport = FakeTransport()
    client = WebsocketClient(transport, limit_bytes=10)
    client.send(b"x" * 100)
    transport.unread = 100
    client.send(b"y")
    assert (transport.ended, transport.written[-1:]) == ("", b"y")
    transport.unread = 101
    client.send(b"z")
    assert transport.ended == "aborted"


def test_pings_pongs_and_closes_are_frames_of_their_kind() -> None:
    transport = FakeTransport()
    client = WebsocketClient(transport)
    client.ping("12")
    client.pong(b"34")
    client.close(1008, "no")
    assert transport.written == b"\x89\x0212" + b"\x8a\x0234" + b"\x88\x04\x03\xf0no"
    assert transport.ended == "closed"


def test_a_peer_that_is_gone_reads_and_says_nothing() -> None:
    transport = FakeTransport()
    client = WebsocketClient(transport)
    client.half_open()
    client.send(b"more")
    client.close()
    assert (transport.written, transport.reads, transport.ended) == (b"", False, "closed")
