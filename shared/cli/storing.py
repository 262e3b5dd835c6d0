"""After a run: its journal shipped to the store, and what is stored held against the journal."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from shared.domain.run_record import RunRecord
from shared.domain.stored import StoredCounts
from shared.ports import StoreError
from shared.sidecar.config import find_config, load_config
from shared.sidecar.sidecar import ship_once, stored_counts


@dataclass(frozen=True)
class Storing:
    """What became of a run in the store.

    Attributes:
        stored: What is there; None where the store could not be used.
        journaled: What should be.
        trouble: Why it could not be used.
    """

    stored: StoredCounts | None
    journaled: StoredCounts
    trouble: str | None = None

    @property
    def ok(self) -> bool:
        return self.stored == self.journaled


def store_run(home: Path, run_id: str, record: RunRecord) -> Storing:
    """Ship the home's journal and count what is stored of the run."""
    journaled = counts_of(record)
    try:
        config = load_config(find_config(home))
        asyncio.run(ship_once(home, config))
        return Storing(asyncio.run(stored_counts(home, config, run_id)), journaled)
    except StoreError as error:
        # The run itself is over and proved; what the store says of it is part of the verdict.
        return Storing(None, journaled, str(error))


def counts_of(record: RunRecord) -> StoredCounts:
    """What the journal holds of a run, as the store counts it."""
    return StoredCounts(
        signals=len(record.signals),
        orders=len(record.orders),
        fills=sum(len(order.fills) for order in record.orders.values()) + len(record.stray_fills),
        trades=len(record.closed_trades),
        dead=0,
    )


def print_storing(console: Console, storing: Storing) -> None:
    """Whether the store holds what the journal does."""
    if storing.stored is None:
        console.print(f"[red]NOT stored:[/red] {storing.trouble}", highlight=False, soft_wrap=True)
    elif storing.ok:
        console.print(
            f"[green]Stored:[/green] {_counted(storing.stored)}, as in the journal (look: recovery db psql)",
            highlight=False,
            soft_wrap=True,
        )
    else:
        console.print(
            f"[red]NOT stored as journaled:[/red] {_counted(storing.stored)}, {storing.stored.dead} dead letters; "
            f"the journal has {_counted(storing.journaled)}",
            highlight=False,
            soft_wrap=True,
        )


def _counted(counts: StoredCounts) -> str:
    return f"{counts.signals} signals, {counts.orders} orders, {counts.fills} fills, {counts.trades} trades"
