"""What tests of the embedded Postgres ask of its server."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg


def query(url: str, sql: str) -> object:
    """The one value a statement gives."""

    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def postmaster(folder: Path) -> int:
    """The process id of the server of a database's folder."""
    return int((folder / "cluster" / "postmaster.pid").read_text().splitlines()[0])


def kill_immediately(folder: Path) -> None:
    """End a server as the kernel does when memory runs out."""
    os.kill(postmaster(folder), signal.SIGKILL)
