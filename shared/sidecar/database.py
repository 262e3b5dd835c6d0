"""Which database a home's records go to, and the store on it."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.postgres.address import Address, address_in
from shared.adapters.postgres.embedded import EmbeddedPostgres
from shared.adapters.postgres.leases import PostgresLeases
from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.store import PostgresStore
from shared.ports import Leases, Store, StoreError
from shared.sidecar.config import Backend, ShippingConfig

EMBEDDED = "embedded"
_API_VARIABLES = ("SUPABASE_URL", "SUPABASE_SECRET_KEY")


@dataclass(frozen=True)
class Database:
    """A database in use.

    Attributes:
        address: Where it is.
        embedded: Its server, where that is the home's own.
    """

    address: Address
    embedded: EmbeddedPostgres | None = None


@dataclass(frozen=True)
class OpenStore:
    """A store in use, with its leases. `database` is None where nothing but the API is known of it."""

    store: Store
    leases: Leases
    database: Database | None = None


def embedded_postgres(home: Path, *, keep_running: bool = False) -> EmbeddedPostgres:
    """The Postgres of a home, not started yet."""
    return EmbeddedPostgres(home / "data" / "postgres", keep_running=keep_running)


@contextmanager
def open_database(home: Path) -> Iterator[Database]:
    """The database the environment names (DATABASE_URL, then SUPABASE_DB_URL), else the home's own, running meanwhile.

    Raises:
        StoreError: What the environment names is no database, or the home's own does not start.
    """
    named = address_in(os.environ)
    if named is not None:
        yield Database(named)
        return
    with embedded_postgres(home) as postgres:
        yield Database(Address(postgres.url(), EMBEDDED), postgres)


@asynccontextmanager
async def open_store(home: Path, config: ShippingConfig) -> AsyncIterator[OpenStore]:
    """The store by the backend that is configured; `auto` takes the API where nothing but the API is named.

    The home's own database is brought up to date first. Another one is not: its owner runs `recovery db migrate`.

    Raises:
        StoreError: It cannot be opened.
    """
    store: Store
    if config.backend is Backend.REST or (config.backend is Backend.AUTO and _only_the_api_is_named(os.environ)):
        url, key = _api(os.environ)
        # Its client takes more than half a second to import, and few need it.
        from shared.adapters.supabase_leases import SupabaseLeases
        from shared.adapters.supabase_store import SupabaseStore

        async with AsyncExitStack() as held:
            store = await SupabaseStore.connect(url, key, batch_limit=config.rest_batch_events)
            held.push_async_callback(store.close)
            leases = await SupabaseLeases.connect(url, key)
            held.push_async_callback(leases.close)
            yield OpenStore(store, leases)
        return
    with open_database(home) as database:
        if database.embedded is not None:
            await migrate(database.address)
        store = PostgresStore(database.address, config.direct_batch_events)
        try:
            yield OpenStore(store, PostgresLeases(database.address), database)
        finally:
            await store.close()


def _only_the_api_is_named(environment: Mapping[str, str]) -> bool:
    return address_in(environment) is None and any(environment.get(name) for name in _API_VARIABLES)


def _api(environment: Mapping[str, str]) -> tuple[str, str]:
    for name in _API_VARIABLES:
        if not environment.get(name):
            raise StoreError(f"{name}: is not set; the API needs both SUPABASE_URL and SUPABASE_SECRET_KEY")
    url, key = (environment[name] for name in _API_VARIABLES)
    return url, key
