"""Connections to Postgres, and its errors as one sentence each.

StoreError
├── StoreUnavailable    not reachable just now: trying again may help
├── ValuesRefused       a check or a type of the tables
├── DiskFull            nothing can be written until there is space
└── SchemaMissing       the migrations have not run
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from asyncpg import Connection

from shared.adapters.postgres.address import Address
from shared.ports import StoreError, StoreUnavailable, ValuesRefused

# Times are rendered and read in one way, whatever the server's or the role's defaults.
_SESSION = {"timezone": "UTC", "datestyle": "ISO, YMD", "application_name": "recovery"}
_CONNECT_TIMEOUT_S = 10.0


class DiskFull(StoreError):
    """The database's disk is full."""


class SchemaMissing(StoreError):
    """A table or function of the store is not there."""


_UNREACHABLE = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InterfaceError,
    # What a server killed in the middle of an answer can come to.
    asyncpg.InternalClientError,
)


@contextmanager
def one_sentence(address: Address) -> Iterator[None]:
    """Turn errors of Postgres and the network into StoreError, each one sentence, none with a password."""
    try:
        yield
    except StoreError:
        raise
    except asyncpg.InvalidPasswordError as error:
        raise StoreError(f"{address}: the password was refused") from error
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise StoreError(f"{address}: the user was refused: {_first_line(error)}") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise StoreError(f"{address}: there is no such database") from error
    except asyncpg.DiskFullError as error:
        raise DiskFull(
            f"{address}: the database's disk is full: {_first_line(error)}; nothing was lost, "
            "free space there or run recovery storage emergency"
        ) from error
    except asyncpg.ReadOnlySQLTransactionError as error:
        raise DiskFull(
            f"{address}: the database is read-only, as Supabase makes one whose disk is nearly full: {_first_line(error)}; "
            "nothing was lost, see docs/runbook.md, If storage fills up"
        ) from error
    except (
        asyncpg.UndefinedTableError,
        asyncpg.UndefinedFunctionError,
        asyncpg.UndefinedColumnError,
        asyncpg.InvalidSchemaNameError,
    ) as error:
        raise SchemaMissing(
            f"{address}: the store is missing or of another version: {_first_line(error)}; run recovery db migrate"
        ) from error
    except _UNREACHABLE as error:
        raise StoreUnavailable(f"{address}: cannot be reached: {_first_line(error)}") from error
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        raise ValuesRefused(f"{address}: {_first_line(error)}") from error
    except asyncpg.PostgresError as error:
        raise StoreError(f"{address}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


async def connect(address: Address) -> Connection:
    """Open a connection whose JSON columns are Python objects.

    Raises:
        StoreError: It cannot be opened.
    """
    with one_sentence(address):
        connection: Connection = await asyncpg.connect(
            address.url, server_settings=_SESSION, timeout=_CONNECT_TIMEOUT_S
        )
        await read_json(connection)
        return connection


def lazy_pool(address: Address, size: int) -> "asyncpg.Pool[asyncpg.Record]":
    """A pool of connections as `connect` opens them: none until one is asked for, a lost one is opened anew."""
    return asyncpg.create_pool(
        address.url,
        min_size=0,
        max_size=size,
        server_settings=_SESSION,
        timeout=_CONNECT_TIMEOUT_S,
        init=read_json,
    )


async def read_json(connection: Connection) -> None:
    """Let JSON columns of this connection be Python objects."""
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[Connection]:
    """A connection for one piece of work; errors of that work are sentences too."""
    connection = await connect(address)
    try:
        with one_sentence(address):
            yield connection
    finally:
        # After an error the server may be gone; there is nothing to say goodbye to.
        if not connection.is_closed():
            await connection.close(timeout=5)
