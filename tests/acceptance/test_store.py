"""The store as a user meets it: filled by a run, looked into, and every trouble one sentence with nothing lost."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.postgres.migrations import SUPABASE
from tests.acceptance.bot_home import CHECKOUT, RECOVERY, BotHome
from tests.journals import write_journal
from tests.postgres_server import PostgresServer

RUN_ID = "8a7f0a3d6c1b4e7e9f0011223344aabb"


def recovery(
    home: Path, *arguments: str, database_url: str | None = None, **environment: str
) -> "subprocess.CompletedProcess[str]":
    chosen = {"DATABASE_URL": database_url} if database_url else {}
    return subprocess.run(
        [*RECOVERY, *arguments, "--home", str(home)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **chosen, **environment},
        capture_output=True,
        text=True,
        cwd=home,
        timeout=120,
    )


def complaint(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line of a refusal."""
    assert done.returncode == 2, done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def home(short_folder: Path) -> Path:
    """A home with a journal of 100 events."""
    home = short_folder / "home"
    (home / "data").mkdir(parents=True)
    write_journal(home / "data" / "recovery_journal.sqlite", RUN_ID, 100)
    return home


@pytest.fixture
def server(short_folder: Path) -> Iterator[PostgresServer]:
    """Another database, with a password."""
    with PostgresServer(short_folder / "postgres", password="se/cret") as server:
        yield server


@pytest.mark.slow
def test_a_run_leaves_in_the_database_what_its_journal_holds(tmp_path: Path) -> None:
    home = BotHome.make(tmp_path)
    done = home.recovery("run", "--until-trades", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "as in the journal" in done.stdout
    run = json.loads(home.recovery("status", "--json").stdout)
    counts = "select (select count(*) from signals), (select count(*) from orders), (select count(*) from fills), "
    counts += "(select count(*) from trades), (select sum(pnl_quote) from trades)"
    looked = home.recovery("db", "psql", "-At", "-c", counts)
    assert looked.returncode == 0, looked.stderr
    signals, orders, fills, trades, pnl = looked.stdout.strip().split("|")
    assert (int(signals), int(orders), int(fills)) == (run["signals"], run["orders"], run["fills"])
    assert int(trades) == run["trades_closed"] >= 2
    assert f"{float(pnl):.8f}" == f"{sum(float(trade['pnl_quote']) for trade in run['trades']):.8f}"


@pytest.mark.slow
def test_a_run_without_its_database_is_proved_but_not_stored(tmp_path: Path) -> None:
    home = BotHome.make(tmp_path)
    done = recovery(home.path, "run", "--until-trades", "1", database_url="postgresql://me:secret@127.0.0.1:9/store")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Verified: " in done.stdout
    assert "NOT stored: me@127.0.0.1:9/store (DATABASE_URL): cannot be reached" in done.stdout
    # Nothing is lost: it is shipped once there is a database.
    shipped = recovery(home.path, "sidecar", "--once", "--json")
    assert json.loads(shipped.stdout)["events"] > 0, shipped.stderr


def test_the_journal_is_shipped_once(home: Path) -> None:
    first = recovery(home, "sidecar", "--once", "--json")
    assert json.loads(first.stdout) == {"events": 100, "dead_letters": 0}, first.stderr
    again = recovery(home, "sidecar", "--once")
    assert again.stdout == "shipped 0 events, 0 dead letters\n"


def test_another_database_wants_its_migrations(home: Path, server: PostgresServer) -> None:
    url = server.url()
    assert "run recovery db migrate" in complaint(recovery(home, "sidecar", "--once", database_url=url))
    assert recovery(home, "db", "status", database_url=url).returncode == 1
    migrated = recovery(home, "db", "migrate", database_url=url)
    assert migrated.returncode == 0, migrated.stderr
    assert "se/cret" not in migrated.stdout
    assert recovery(home, "db", "status", database_url=url).returncode == 0
    assert recovery(home, "sidecar", "--once", database_url=url).stdout == "shipped 100 events, 0 dead letters\n"


def test_the_url_is_printed_without_its_password(home: Path, server: PostgresServer) -> None:
    done = recovery(home, "db", "url", database_url=server.url())
    assert done.stdout.strip() == f"postgresql://postgres@127.0.0.1:{server.port}/postgres"


def test_no_database(home: Path) -> None:
    line = complaint(recovery(home, "sidecar", "--once", database_url="postgresql://me:se%2Fcret@127.0.0.1:9/store"))
    assert line.startswith("recovery: me@127.0.0.1:9/store (DATABASE_URL): cannot be reached:")


def test_a_wrong_password(home: Path, server: PostgresServer) -> None:
    url = server.url().replace("se%2Fcret", "wrong")
    line = complaint(recovery(home, "sidecar", "--once", database_url=url))
    assert line == f"recovery: postgres@127.0.0.1:{server.port}/postgres (DATABASE_URL): the password was refused"


def test_no_such_database(home: Path, server: PostgresServer) -> None:
    url = server.url("elsewhere")
    assert complaint(recovery(home, "db", "migrate", database_url=url)).endswith("there is no such database")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://root:se%2Fcret@127.0.0.1/store", "must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE"),
        ("postgresql://me:se[cret@127.0.0.1/store", "must be percent-encoded"),
        ("postgresql://me:secret@127.0.0.1:many/store", "must be postgresql://"),
        ("postgresql://me:secret@127.0.0.1:6543/store", "port 6543 is the transaction pooler"),
    ],
)
def test_a_url_that_is_none(home: Path, url: str, said: str) -> None:
    line = complaint(recovery(home, "db", "migrate", database_url=url))
    assert line.startswith("recovery: DATABASE_URL: ")
    assert said in line
    assert "cret" not in line


def test_the_api_needs_both_its_variables(home: Path) -> None:
    line = complaint(recovery(home, "sidecar", "--once", SUPABASE_URL="http://127.0.0.1:9"))
    assert line == (
        "recovery: SUPABASE_SECRET_KEY: is not set; the API needs both SUPABASE_URL and SUPABASE_SECRET_KEY"
    )


def test_a_migration_edited_after_it_ran(home: Path, server: PostgresServer, short_folder: Path) -> None:
    checkout = short_folder / "checkout"
    checkout.mkdir()
    shutil.copytree(CHECKOUT / "shared", checkout / "shared")
    assert recovery(home, "db", "migrate", database_url=server.url()).returncode == 0
    edited = next((checkout / "shared" / "supabase" / "migrations").glob("*_store.sql"))
    edited.write_text(edited.read_text().replace("check (scans > 0)", "check (scans > 1)"))
    done = recovery(home, "db", "migrate", database_url=server.url(), PYTHONPATH=str(checkout))
    line = complaint(done)
    assert line.startswith(f"recovery: {edited}: was edited after it ran")
    assert SUPABASE.is_dir()


def test_a_journal_put_back_from_an_older_copy(home: Path) -> None:
    assert recovery(home, "sidecar", "--once").returncode == 0
    (home / "data" / "recovery_journal.sqlite").unlink()
    write_journal(home / "data" / "recovery_journal.sqlite", RUN_ID, 60)
    line = complaint(recovery(home, "sidecar", "--once"))
    assert "ends at event 60, but 100 were shipped" in line


def test_no_journal(short_folder: Path) -> None:
    home = short_folder / "empty"
    home.mkdir()
    assert "there is no journal here; run the bot first" in complaint(recovery(home, "sidecar", "--once"))


def test_one_sidecar_a_home(home: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [*RECOVERY, "sidecar", "--home", str(home)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=home) as first:
        assert first.stdout is not None
        while "shipping: running" not in (line := first.stdout.readline()):
            assert line, "the sidecar ended by itself"
        assert complaint(recovery(home, "sidecar")).endswith(f"process {first.pid} is its sidecar already: one a home")
        first.terminate()
        assert first.wait(timeout=60) == 0
