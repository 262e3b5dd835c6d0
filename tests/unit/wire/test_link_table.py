"""The table: nothing leads out of it, nothing is stuck in it."""

from shared.wire.link_table import HELD, HOLDS, OPEN, TABLE, Event, after
from shared.wire.stream import Link


def test_every_link_can_be_reached_and_left() -> None:
    assert set(TABLE.values()) == set(Link)
    assert {link for link, _ in TABLE} == set(Link)


def test_whatever_is_under_way_can_end_in_every_way() -> None:
    for link in (Link.CONNECTING, *OPEN):
        assert {after(link, event) for event in HOLDS} == HELD
        assert after(link, Event.HANG_UP) is Link.IDLE


def test_nothing_but_connecting_opens_a_socket() -> None:
    for (link, event), now in TABLE.items():
        if now in OPEN:
            assert link is Link.CONNECTING or link in OPEN, f"{event} opens a socket from {link}"


def test_what_has_no_row_is_of_no_consequence() -> None:
    assert after(Link.LIVE, Event.GREETED) is None
    assert after(Link.REFUSED, Event.LOST) is None
