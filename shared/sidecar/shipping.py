"""Ships a bot's journal to the store: read, send, move on. What is where is the store's knowledge, not ours."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.journal_tail import JournalTail
from shared.domain.shipping import JournalBatch, Shipped
from shared.ports import JournalError, Store


@dataclass
class Shipments:
    """What has been shipped since the process began, and what waits.

    Attributes:
        events: Events that became rows.
        dead: Events that became dead letters.
        waiting: Events of the journal not shipped yet.
    """

    events: int = 0
    dead: int = 0
    waiting: int = 0


# The store takes them in their order, whichever arrives first.
_ON_THEIR_WAY = 2

Told = Callable[[Shipments], None]


def not_told(_: Shipments) -> None:
    """For those who do not ask."""


class Shipping:
    """Follows one journal. Two batches are on their way at once: while the store places one it parses the next.

    Args:
        journal: The journal's file.
        bot: Whose it is, for people.
        store: Where it goes.
        told: Called after each batch.
    """

    def __init__(self, journal: Path, bot: str, store: Store, told: Told = not_told) -> None:
        self.shipments = Shipments()
        self._told = told
        self._journal = journal
        self._bot = bot
        self._store = store
        self._tail: JournalTail | None = None
        self._cursor: int | None = None

    async def catch_up(self) -> None:
        """Ship all there is; return when the journal's end is reached.

        Raises:
            JournalError: There is no journal, or it cannot be read.
            StoreError: The store does not take it. Nothing is lost: the next call goes on from the store's cursor.
        """
        tail = self._follow()
        if tail.journal_id is None:
            return
        # Until the end is reached, what the store has is not known: after any trouble it is asked again.
        cursor, self._cursor = self._cursor, None
        if cursor is None:
            cursor = await self._known_cursor(tail, tail.journal_id)
        on_their_way: deque[tuple[JournalBatch, asyncio.Task[Shipped]]] = deque()
        try:
            last_read = cursor
            while True:
                while len(on_their_way) < _ON_THEIR_WAY:
                    batch = await asyncio.to_thread(tail.read, last_read, self._store.batch_limit)
                    if not len(batch):
                        break
                    on_their_way.append((batch, asyncio.create_task(self._store.ship(batch))))
                    last_read = batch.seqs[-1]
                if not on_their_way:
                    break
                batch, shipping = on_their_way.popleft()
                cursor = self._note(await shipping, tail)
                if cursor != batch.seqs[-1]:
                    # The store did nothing: an acknowledgement was lost, another sidecar was here, or the second of two
                    # batches came first. It says where to go on.
                    while on_their_way:
                        cursor = self._note(await on_their_way.popleft()[1], tail)
                    last_read = cursor
        finally:
            for _, shipping in on_their_way:
                shipping.cancel()
            # What they answer now is asked of the store's cursor instead.
            await asyncio.gather(*(shipping for _, shipping in on_their_way), return_exceptions=True)
        self._cursor = cursor

    def _note(self, shipped: Shipped, tail: JournalTail) -> int:
        """Count what was shipped; the store's cursor."""
        self.shipments.dead += shipped.dead
        self.shipments.events += shipped.events
        self.shipments.waiting = tail.last_seq() - shipped.last_seq
        self._told(self.shipments)
        return shipped.last_seq

    async def _known_cursor(self, tail: JournalTail, journal_id: str) -> int:
        cursor = await self._store.cursor(journal_id)
        if cursor > tail.last_seq():
            # New events would get numbers the store has seen, and be passed over.
            raise JournalError(
                f"{tail.path}: ends at event {tail.last_seq()}, but {cursor} were shipped: an older copy lies in its place; "
                "put the newer one back, or move this one away to begin a new journal"
            )
        return cursor

    def _follow(self) -> JournalTail:
        """The open journal; opened anew where the file was replaced by another."""
        if self._tail is not None and self._tail.is_replaced():
            self.close()
        if self._tail is None:
            self._tail = JournalTail(self._journal, self._bot)
        self._tail.begin()
        return self._tail

    def close(self) -> None:
        """Let go of the journal."""
        if self._tail is not None:
            self._tail.close()
        self._tail = self._cursor = None
