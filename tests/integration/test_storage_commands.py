"""`recovery storage` on a real database: what a person and a program see, and what is refused."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from shared.adapters.parquet_archive import ArchiveError
from shared.cli import storage
from shared.cli.errors import UsageError
from shared.domain.retention import Dataset
from shared.sidecar.config import SidecarConfigError
from tests.retention_database import RetentionDatabase, Servers

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Storage:
    """The command in a home of its own."""

    database: RetentionDatabase
    home: Path

    def __call__(self, *arguments: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(storage.storage_app, [*arguments, "--home", str(self.home)], input=answer)

    def lines(self, *arguments: str) -> list[str]:
        done = self(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return [line.rstrip() for line in done.stdout.splitlines()]

    def json(self, *arguments: str) -> dict[str, object]:
        done = self(*arguments, "--json")
        assert done.exit_code == 0, (done.output, done.exception)
        return json.loads(done.stdout)


@pytest.fixture
def command(retention_servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    database = retention_servers.database(18, tmp_path / "data" / "archive")
    monkeypatch.setenv("DATABASE_URL", database.address.url)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "data").mkdir()
    return Storage(database, tmp_path)


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def with_rows_of_every_age(command: Storage) -> None:
    for dataset in Dataset:
        command.database.put(dataset, [ago(age) for age in (1, 50, 140, 800)])


def test_a_dry_run_says_what_enforce_does(command: Storage) -> None:
    with_rows_of_every_age(command)
    planned = command.json("enforce", "--dry-run")["actions"]
    assert command.database.runs() == []
    assert not (command.home / "data" / "archive").exists()
    assert any(line.split()[:3] == ["drop", "ohlc_1m", "2"] for line in command.lines("enforce", "--dry-run"))
    done = command.json("enforce")
    keys = ("action", "dataset", "start")
    assert isinstance(planned, list)
    assert isinstance(done["done"], list)
    assert [[each[key] for key in keys] for each in done["done"]] == [[each[key] for key in keys] for each in planned]
    assert done["refused"] == done["left"] == []
    run = done["run"]
    assert isinstance(run, dict)
    assert (run["kind"], run["state"], run["rows_dropped"]) == ("enforce", "done", 9)
    assert command.lines("enforce", "--dry-run") == ["nothing to do"]


def test_enforce_tells_each_partition_that_moved(command: Storage) -> None:
    with_rows_of_every_age(command)
    lines = command.lines("enforce")
    assert f"archive ohlc_1m {ago(50):%Y-%m-%d}" in lines
    assert f"drop scan_history {ago(50):%Y-%m-%d}" in lines
    assert not any(line.startswith("make") for line in lines)
    assert any(line.startswith("dropped") and line.endswith("9 rows") for line in lines)


def test_what_is_refused_ends_with_one(command: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    command.database.put(Dataset.OHLC_1M, [ago(100)])
    command.database.execute("UPDATE ohlc_data SET volume = 1e30")
    done = command("enforce")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"recovery: public.ohlc_data_1m_{ago(100):%Y%m%d}: volume = 1000000")
    assert done.stderr.count("\n") == 1


def test_a_period_is_brought_back(command: Storage) -> None:
    command.database.put(Dataset.OHLC_1M, [ago(100), ago(101)])
    command.lines("enforce")
    period = ("--since", f"{ago(101):%Y-%m-%d}", "--until", f"{ago(99):%Y-%m-%d}")
    lines = command.lines("restore", "ohlc_1m", *period, "--hold-days", "3")
    assert lines[0].startswith("restored 2 rows from 2 files; they stay until ")
    assert lines[1:] == [f"  archive.ohlc_data_1m_{ago(age):%Y%m%d}" for age in (101, 100)]
    again = command.json("restore", "ohlc_1m", *period)
    assert isinstance(again["files"], list)
    assert len(again["files"]) == 2


def test_a_file_that_was_changed_is_one_sentence(command: Storage) -> None:
    command.database.put(Dataset.OHLC_1M, [ago(100)])
    command.lines("enforce")
    (file,) = command.database.listed()
    (command.home / "data" / "archive" / file).write_bytes(b"changed")
    done = command("restore", "ohlc_1m", "--since", f"{ago(101):%Y-%m-%d}", "--until", f"{ago(99):%Y-%m-%d}")
    assert isinstance(done.exception, ArchiveError)
    assert "was changed since it was archived" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("restore", "ohlc_1m", "--since", "2026-02-01", "--until", "2026-02-01"),
            "--until = 2026-02-01: must be after",
        ),
        (("emergency", "--keep", "1 week", "--yes"), "--keep = 1 week: must look like 7d, 1mo or 1y"),
        (("emergency", "--keep", "7d"), "asks before it drops; without a terminal give --yes"),
    ],
)
def test_bad_input(command: Storage, arguments: tuple[str, ...], said: str) -> None:
    done = command(*arguments)
    assert isinstance(done.exception, UsageError)
    assert said in str(done.exception)
    assert command.database.runs() == []


def test_a_configuration_that_is_wrong(command: Storage) -> None:
    (command.home / "conf").mkdir()
    good = (CHECKOUT / "conf" / "sidecar.yml").read_text()
    (command.home / "conf" / "sidecar.yml").write_text(good.replace("keep: 3mo", "keep: 3 months"))
    assert isinstance(command("enforce").exception, SidecarConfigError)


def test_an_emergency_without_a_question(command: Storage) -> None:
    with_rows_of_every_age(command)
    done = command.json("emergency", "--keep", "7d", "--yes")
    run = done["run"]
    assert isinstance(run, dict)
    assert (run["kind"], run["rows_dropped"]) == ("emergency", 9)
    assert run["bytes_freed"] > 0
    assert len(command.database.listed()) == 9
    assert command.json("emergency", "--keep", "7d", "--yes")["done"] == []


@pytest.mark.parametrize(("answer", "files"), [("n\n", None), ("y\n", True), ("y\n", False)])
def test_an_emergency_asks(command: Storage, monkeypatch: pytest.MonkeyPatch, answer: str, files: bool | None) -> None:
    command.database.put(Dataset.SCAN_HISTORY, [ago(10), ago(1)])
    monkeypatch.setattr(storage, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    done = command("emergency", "--keep", "7d", *([] if files is not False else ["--no-export"]), answer=answer)
    assert done.exit_code == 0, done.output
    if files is None:
        assert done.output.endswith("nothing was dropped\n")
        assert command.database.runs() == []
        return
    written = f"after writing files to {command.home}" if files else "WITHOUT writing files"
    assert f"Drop 1 partitions {written}" in done.output
    assert command.database.runs() == [("emergency", "done")]
    assert len(command.database.listed()) == int(files)


def test_impact_shows_each_run(command: Storage) -> None:
    assert command.lines("impact") == ["no run yet; recovery storage enforce makes the first"]
    command.database.fill(Dataset.OHLC_1M, ago(100), 20_000)
    command.lines("enforce")
    command.database.put(Dataset.OHLC_1M, [ago(100)])
    command.database.execute("UPDATE ohlc_data SET volume = 1e30")
    assert command("enforce").exit_code == 1
    lines = command.lines("impact")
    assert [line.split()[2:6] for line in lines[1:3]] == [
        ["enforce", "failed", "0", "0"],
        ["enforce", "done", "0", "20,000"],
    ]
    assert "can hold it; the partition stays" in lines[-1]
    done = CliRunner().invoke(storage.storage_app, ["impact", "--json", "--home", str(command.home)])
    last, first = json.loads(done.stdout)
    assert first["database_bytes_before"] - first["database_bytes_after"] == first["bytes_freed"] > 0
    assert float(first["monthly_cost_usd_before"]) > float(first["monthly_cost_usd_after"]) > 0
    assert first["query_p50_ms_after"] > 0
    assert last["error"] == lines[-1].split(" ", 2)[2]
