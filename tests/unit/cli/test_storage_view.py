"""What `recovery storage` shows of runs and plans."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from shared.adapters.postgres.retention_runs import RunKind, RunRecord
from shared.cli.storage_view import (
    action_as_json,
    print_impact,
    print_outcome,
    print_plan,
    record_as_json,
    shown_progress,
)
from shared.domain.retention import CreatePartition, Dataset, ExportAndDrop, MoveToArchive, Partition, Place
from shared.sidecar.departure import Stage
from shared.sidecar.retention import Plan
from shared.sidecar.retention_work import Outcome, Progress

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=1)
MAKE = CreatePartition(Dataset.OHLC_1M, START, END)
MOVE = MoveToArchive(Dataset.OHLC_1M, START, END)
DROP = ExportAndDrop(Dataset.OHLC_1M, START, END, Place.ARCHIVE)
PRICE = Decimal("0.125")


def record(**changes: object) -> RunRecord:
    values: dict[str, object] = {
        "id": 1,
        "kind": RunKind.ENFORCE,
        "state": "done",
        "started_at": START,
        "finished_at": END,
        "rows_moved": 1000,
        "rows_dropped": 2000,
        "bytes_freed": 4_000_000_000,
        "wal_bytes": 1000,
        "database_bytes_before": 10_000_000_000,
        "database_bytes_after": 6_000_000_000,
        "query_p50_ms_before": 3.0,
        "query_p50_ms_after": 1.0,
        "error": None,
    }
    return RunRecord(**values | changes)  # type: ignore[arg-type]


def console(*, terminal: bool = False) -> tuple[Console, StringIO]:
    text = StringIO()
    return Console(file=text, width=160, force_terminal=terminal, color_system=None), text


def lines(text: StringIO) -> list[list[str]]:
    return [line.split() for line in text.getvalue().splitlines()]


def test_a_plan_is_summed_up_by_dataset() -> None:
    shown, text = console()
    partitions = (Partition(Dataset.OHLC_1M, START, END, Place.ARCHIVE, 144_000, 23_000_000),)
    print_plan(shown, Plan((MAKE, DROP), partitions))
    assert lines(text)[1:] == [
        ["make", "ohlc_1m", "1", "2026-01-01", "2026-01-02"],
        ["drop", "ohlc_1m", "1", "2026-01-01", "2026-01-02", "144,000", "23.0", "MB"],
    ]


def test_rows_that_are_not_known_are_said_to_be_unknown() -> None:
    shown, text = console()
    print_plan(shown, Plan((DROP,), (Partition(Dataset.OHLC_1M, START, END, Place.ARCHIVE, None, 8192),)))
    assert "unknown" in lines(text)[1]


def test_an_empty_plan() -> None:
    shown, text = console()
    print_plan(shown, Plan((), ()))
    assert text.getvalue() == "nothing to do\n"


def test_an_outcome_says_what_it_was_good_for() -> None:
    shown, text = console()
    print_outcome(shown, Outcome(record(), (MAKE, MOVE, DROP), (), (MAKE,)))
    said = " ".join(text.getvalue().split())
    assert "archived 1, 1,000 rows dropped 1, 2,000 rows database 10.00 GB → 6.00 GB really freed 4.00 GB" in said
    assert "queries, p50 3.0 ms → 1.0 ms" in said
    assert "not begun 1: the run was told to stop" in said


def test_impact_tells_cost_and_what_is_unknown() -> None:
    shown, text = console()
    died = record(
        state="died", database_bytes_after=None, query_p50_ms_after=None, error="its process ended before it did"
    )
    print_impact(shown, [died, record()], PRICE)
    said = text.getvalue()
    assert "$1.25 → $0.75" in said
    assert "$1.25 → unknown" in said
    assert said.endswith("2026-01-01 00:00 its process ended before it did\n")


def test_a_record_as_json_holds_its_cost() -> None:
    view = json.loads(json.dumps(record_as_json(record(database_bytes_after=None), PRICE)))
    assert (view["monthly_cost_usd_before"], view["monthly_cost_usd_after"]) == ("1.250", None)
    assert view["started_at"] == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(("action", "named"), [(MAKE, "make"), (MOVE, "archive"), (DROP, "drop")])
def test_an_action_as_json(action: CreatePartition | MoveToArchive | ExportAndDrop, named: str) -> None:
    assert action_as_json(action) == {
        "action": named,
        "dataset": "ohlc_1m",
        "start": "2026-01-01T00:00:00+00:00",
        "end": "2026-01-02T00:00:00+00:00",
    }


def test_without_a_terminal_each_move_is_a_line() -> None:
    shown, text = console()
    with shown_progress(shown) as told:
        for action, stage in ((MAKE, Stage.DONE), (MOVE, Stage.BEGUN), (MOVE, Stage.DONE), (DROP, Stage.REFUSED)):
            told(Progress(1, 3, action, stage))
    assert text.getvalue() == "archive ohlc_1m 2026-01-01\ndrop ohlc_1m 2026-01-01: refused\n"


def test_on_a_terminal_there_is_a_bar() -> None:
    shown, text = console(terminal=True)
    with shown_progress(shown) as told:
        told(Progress(2, 3, DROP, Stage.EXPORTING, 50_000))
    assert "drop ohlc_1m 2026-01-01" in text.getvalue()
    assert "1/3" in text.getvalue()
    assert "writing its file, 50,000 rows" in text.getvalue()
