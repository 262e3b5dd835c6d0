"""A home's gates as its journal has them, with what its store holds of the trades."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.journal_tail import JournalTail
from shared.adapters.postgres.evidence_queries import evidence_queries
from shared.adapters.sqlite_journal import SqliteJournal
from shared.cli.errors import UsageError
from shared.cli.verify import JOURNAL
from shared.domain.criteria import Facts, StoredTrades
from shared.domain.evidence import Evidence, evidence_for
from shared.domain.gates import Gate, judge, needs_store
from shared.domain.run_record import RunRecord
from shared.ports import StoreError
from shared.sidecar.config import SidecarConfig, find_config, load_config
from shared.sidecar.database import open_store


@dataclass(frozen=True)
class Judged:
    """A gate with what it was judged by. `queries`: of its criteria, by name."""

    evidence: Evidence
    gate: Gate
    queries: Mapping[str, str]


def journal_of(home: Path) -> Path:
    """A home's journal, there or not yet.

    Raises:
        UsageError: There is no such home: its phase would be a guess.
    """
    if not home.is_dir():
        raise UsageError(f"{home}: there is no home here; run the bot first, or name another with --home")
    return home / "data" / JOURNAL


def judge_gates(home: Path, phases: Iterable[int]) -> list[Judged]:
    """Put a home's evidence before the gates of these phases. The store is asked only where there is something to ask for.

    Raises:
        JournalError: The journal cannot be read.
        ConfigError: conf/sidecar.yml cannot be used.
    """
    journal = journal_of(home)
    runs = _read_runs(journal) if journal.exists() else {}
    judged = []
    for phase in phases:
        evidence = evidence_for(phase, runs)
        stored = _stored_trades(home, journal, evidence) if needs_store(phase) else "not asked"
        queries = evidence_queries(evidence, _journal_id(journal)) if runs else {}
        judged.append(Judged(evidence, judge(Facts(evidence, stored)), queries))
    return judged


def _read_runs(path: Path) -> dict[str, RunRecord]:
    with closing(SqliteJournal(path)) as journal:
        return {run_id: RunRecord.of(journal.read(run_id)) for run_id in journal.runs()}


def _journal_id(path: Path) -> str:
    with closing(JournalTail(path, bot="")) as tail:
        tail.begin()
        return tail.journal_id or ""


def _stored_trades(home: Path, journal: Path, evidence: Evidence) -> StoredTrades | str:
    if not evidence.runs:
        return StoredTrades({}, is_shipped=True)
    config = load_config(find_config(home))
    try:
        return asyncio.run(_ask_store(home, config, journal, evidence.runs))
    except StoreError as error:
        # What the store says is part of the evidence; that it says nothing is told in its place.
        return str(error)


async def _ask_store(home: Path, config: SidecarConfig, journal: Path, run_ids: Iterable[str]) -> StoredTrades:
    with closing(JournalTail(journal, home.name)) as tail:
        tail.begin()
        # The evidence was read before: what the cursor has passed now includes all of it.
        journal_id, last_seq = tail.journal_id or "", tail.last_seq()
    async with open_store(home, config.shipping) as opened:
        is_shipped = await opened.store.cursor(journal_id) >= last_seq
        counts = {run_id: await opened.store.counts(run_id) for run_id in run_ids}
    return StoredTrades({run_id: count.trades for run_id, count in counts.items()}, is_shipped)
