"""Where a connection goes from where it stands, as a table: one for every source.

What has no row is of no consequence: a second greeting, a confirmation that comes late.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from shared.wire.stream import Link


class Event(StrEnum):
    """What happens to a connection."""

    CONNECT = "connect"  # wanted, allowed, and nothing left to wait for
    HANG_UP = "hang_up"  # no longer wanted, or no longer allowed
    OPENED = "opened"  # the source speaks first
    GREETED = "greeted"
    AUTHENTICATED = "authenticated"  # or the socket is open and the source asks for no key
    SUBSCRIBED = "subscribed"
    LOST = "lost"  # closed, dead, silent or about to close: another one may do better
    ACCOUNT_FULL = "account_full"  # a fault of the account or the address: another one would do worse
    DENIED = "denied"  # a wrong key, a plan without this data, a blocked country


OPEN = frozenset({Link.GREETING, Link.AUTHENTICATING, Link.SUBSCRIBING, Link.LIVE})
"""A socket is open."""

HELD = frozenset({Link.BACKING_OFF, Link.COOLING, Link.REFUSED})
"""No connection before a certain time."""

HOLDS: Mapping[Event, Link] = MappingProxyType(
    {Event.LOST: Link.BACKING_OFF, Event.ACCOUNT_FULL: Link.COOLING, Event.DENIED: Link.REFUSED}
)
"""What ends a connection, and where that leads from everywhere. From IDLE: it was hung up before its time to wait was over."""

TABLE: Mapping[tuple[Link, Event], Link] = MappingProxyType(
    {
        (Link.CONNECTING, Event.OPENED): Link.GREETING,
        (Link.CONNECTING, Event.AUTHENTICATED): Link.SUBSCRIBING,
        (Link.GREETING, Event.GREETED): Link.AUTHENTICATING,
        (Link.AUTHENTICATING, Event.AUTHENTICATED): Link.SUBSCRIBING,
        (Link.SUBSCRIBING, Event.SUBSCRIBED): Link.LIVE,
    }
    | {(link, Event.CONNECT): Link.CONNECTING for link in (Link.IDLE, *HELD)}
    | {(link, Event.HANG_UP): Link.IDLE for link in (Link.CONNECTING, *OPEN, *HELD)}
    | {(link, event): hold for link in (Link.IDLE, Link.CONNECTING, *OPEN) for event, hold in HOLDS.items()}
)


def after(link: Link, event: Event) -> Link | None:
    """Where the connection stands next; None where the event is of no consequence."""
    return TABLE.get((link, event))
