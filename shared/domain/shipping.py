"""What travels from a bot's journal to the store, and what the store says of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from shared.domain.events import Event

# Told to the store with each batch: one that knows fewer takes none, until it is migrated.
EVENT_KINDS = len(get_args(Event))


@dataclass(frozen=True)
class JournalBatch:
    """Events of one journal beyond a cursor, oldest first, as they lie there.

    Attributes:
        journal_id: Which journal: the id of its first run, so that a journal begun anew is another one.
        bot: Whose it is, for people: the home's name.
        after_seq: The cursor they follow.
        seqs: Number of each event, ascending, all beyond `after_seq`.
        run_ids: Run of each event.
        payloads: JSON of each event.
    """

    journal_id: str
    bot: str
    after_seq: int
    seqs: Sequence[int]
    run_ids: Sequence[str]
    payloads: Sequence[str]

    def __len__(self) -> int:
        return len(self.seqs)


@dataclass(frozen=True)
class Shipped:
    """What became of a batch.

    Attributes:
        last_seq: The cursor now. Other than the batch's last number: nothing was done, because the cursor was elsewhere.
        events: Events that are rows now.
        dead: Events that could not become rows and are dead letters, with the reason.
    """

    last_seq: int
    events: int
    dead: int
