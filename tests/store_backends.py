"""The stores there are, each ready to be tested: in memory, on Postgres 16 to 18, and by PostgREST behind a gateway."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import asyncpg

from shared.adapters.memory_leases import MemoryLeases
from shared.adapters.memory_store import MemoryStore
from shared.adapters.postgres.address import Address
from shared.adapters.postgres.leases import PostgresLeases
from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.store import PostgresStore
from shared.adapters.supabase_leases import SupabaseLeases
from shared.adapters.supabase_store import SupabaseStore
from shared.domain.events import Event
from shared.domain.shipping import JournalBatch
from shared.ports import Leases, Store
from shared.wire.journal_codec import encode_event
from tests.exactly_once import Misplaced, misplaced
from tests.postgres_server import PostgresServer
from tests.supabase_gateway import PostgRest, SupabaseGateway

RUN = "5c0ffee0c0ffee0c0ffee0c0ffee0c0f"
JOURNAL = RUN
SUPABASE_VERSION = 17
DATABASES = ("postgres16", "postgres17", "postgres18", "supabase")
BACKENDS = ("memory", *DATABASES)

# Not TRUNCATE: that makes a file anew for every partition and index, however few the rows.
_EMPTY = """
SELECT string_agg(format('DELETE FROM %s', c.oid::regclass), '; ') FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


class Databases:
    """Servers started when first asked for, each with one migrated database, and PostgREST before one of them.

    Attributes:
        folder: Of all of them, with a short path; gone when they are.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="r-"))
        self._stack = ExitStack()
        self._servers: dict[int, PostgresServer] = {}
        self._postgrest: PostgRest | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def server(self, version: int) -> PostgresServer:
        """A server of a version; skips the test where there is none."""
        if version not in self._servers:
            server = self._stack.enter_context(PostgresServer(self.folder / str(version), version))
            asyncio.run(migrate(Address(server.url(), "test")))
            self._servers[version] = server
        return self._servers[version]

    def postgrest(self) -> PostgRest:
        """PostgREST before the version that Supabase runs; skips the test where there is none."""
        if self._postgrest is None:
            postgrest = PostgRest(self.folder / "api", self.server(SUPABASE_VERSION).url())
            self._stack.callback(postgrest.stop)
            asyncio.run(postgrest.start())
            self._postgrest = postgrest
        return self._postgrest


class Backend:
    """A store, empty, with what a test wants to know of it beside its own answers.

    Args:
        runner: Of the loop that the store lives in.
        leases: Of the same database.
        url: Of its database; None for that in memory.
        gateway: Before it, if it is reached by the API.
    """

    def __init__(
        self,
        runner: asyncio.Runner,
        store: Store,
        leases: Leases,
        url: str | None = None,
        gateway: SupabaseGateway | None = None,
    ) -> None:
        self.store = store
        self.leases = leases
        self.url = url
        self.gateway = gateway
        self._runner = runner

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine."""
        return self._runner.run(work)

    def rows[T](self, rows: AsyncIterator[T]) -> list[T]:
        """All a store gives, one by one."""

        async def collect() -> list[T]:
            return [row async for row in rows]

        return self.run(collect())

    def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """What the database itself answers."""
        assert self.url is not None
        return self.run(_fetch(self.url, statement, *arguments))

    def execute(self, statements: str) -> None:
        """Tell the database itself something."""
        assert self.url is not None
        self.run(_execute(self.url, statements))

    def misplaced(self, *batches: JournalBatch) -> list[Misplaced]:
        """Events that are not in exactly one place."""
        events = [event for batch in batches for event in zip(batch.run_ids, batch.seqs, strict=True)]
        if self.url is not None:
            return self.run(misplaced(self.url, events))
        assert isinstance(self.store, MemoryStore)
        times = Counter(self.store.places())
        lost = [(*event, times[event]) for event in events if times[event] != 1]
        return lost + [(*place, -count) for place, count in times.items() if place not in events]

    def dead_letters(self) -> dict[int, str]:
        """The reason of each dead letter, by number."""
        if isinstance(self.store, MemoryStore):
            return {seq: letter.reason for (_, seq), letter in self.store.dead_letters.items()}
        return {row["seq"]: row["reason"] for row in self.fetch("SELECT seq, reason FROM dead_letters")}


async def _fetch(url: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()


async def _execute(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def _direct(url: str) -> PostgresStore:
    # Made on the loop that it lives in.
    return PostgresStore(Address(url, "test"), batch_limit=1000)


def open_backend(name: str, runner: asyncio.Runner, databases: Databases, stack: ExitStack) -> Backend:
    """The store of BACKENDS by name; what it needs is closed with the stack."""
    if name == "memory":
        return Backend(runner, MemoryStore(), MemoryLeases())
    store: Store
    leases: Leases
    if name == "supabase":
        url = databases.server(SUPABASE_VERSION).url()
        gateway = SupabaseGateway(databases.postgrest().socket)
        runner.run(gateway.__aenter__())
        stack.callback(lambda: runner.run(gateway.__aexit__()))
        store = runner.run(SupabaseStore.connect(gateway.url, gateway.secret_key))
        leases = runner.run(SupabaseLeases.connect(gateway.url, gateway.secret_key))
        backend = Backend(runner, store, leases, url, gateway)
    else:
        url = databases.server(int(name.removeprefix("postgres"))).url()
        store = runner.run(_direct(url))
        leases = PostgresLeases(Address(url, "test"))
        backend = Backend(runner, store, leases, url)
    stack.callback(lambda: runner.run(store.close()))
    stack.callback(lambda: runner.run(leases.close()))
    ((statements,),) = backend.fetch(_EMPTY)
    backend.execute(statements)
    return backend


def journal_of(events: Iterable[Event | str], run_id: str = RUN, first_seq: int = 1) -> JournalBatch:
    """Events, or payloads as they are, as one batch at the beginning of a journal."""
    payloads = [event if isinstance(event, str) else encode_event(event) for event in events]
    seqs = range(first_seq, first_seq + len(payloads))
    return JournalBatch(JOURNAL, "bot", first_seq - 1, list(seqs), [run_id] * len(payloads), payloads)


def split(batch: JournalBatch, cuts: Sequence[int]) -> list[JournalBatch]:
    """The same events in several batches, cut before the given places."""
    bounds = sorted({0, len(batch), *cuts})
    parts = []
    for start, end in pairwise(bounds):
        after = batch.seqs[start - 1] if start else batch.after_seq
        columns = (batch.seqs[start:end], batch.run_ids[start:end], batch.payloads[start:end])
        parts.append(JournalBatch(batch.journal_id, batch.bot, after, *columns))
    return parts


def ship_all(backend: Backend, batch: JournalBatch) -> None:
    """Ship a batch of any length, as many at a time as the store takes."""
    for part in split(batch, range(0, len(batch), backend.store.batch_limit)):
        assert backend.run(backend.store.ship(part)).last_seq == part.seqs[-1]
