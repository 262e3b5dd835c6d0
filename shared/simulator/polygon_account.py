"""Who may be connected to Polygon's stream: keys, and how many connections each may have at once."""

from collections import defaultdict
from typing import Protocol

from shared.simulator.fault_kinds import Evict, Kind, Part, Where
from shared.simulator.faults import Faults


class Member(Protocol):
    """A connection that can be sent away."""

    def evicted(self) -> None:
        """Say so and close."""


class Account:
    """The connections of each key.

    Args:
        keys: Keys that are known; None: every one that is not empty.
        limit: Connections a key may have at once. Polygon's plans allow one per cluster, and a further one disconnects
            the first.
    """

    def __init__(self, faults: Faults, keys: frozenset[str] | None = None, limit: int = 1) -> None:
        self._faults = faults
        self._keys = keys
        self._limit = limit
        self._members: dict[str, list[Member]] = defaultdict(list)

    def knows(self, key: str) -> bool:
        """Whether a key is good, here and at the REST interface."""
        return bool(key) if self._keys is None else key in self._keys

    def enter(self, member: Member, key: str) -> bool:
        """Take a connection in, sending the oldest away where there is one too many; false: it has to go itself."""
        members = self._members[key]
        if len(members) >= self._limit:
            injection = self._faults.take(Where.POLYGON, Part.STREAM, (Kind.EVICTION,))
            if injection is not None and injection.fault.evict == Evict.NEWEST:
                return False
            members.pop(0).evicted()
        members.append(member)
        return True

    def leave(self, member: Member) -> None:
        """A connection is over."""
        for members in self._members.values():
            if member in members:
                members.remove(member)
