"""What a bot did in the last 24 hours, counted from a journal that other runs, other clocks and the bot itself write into."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from shared.adapters.journal_activity import JournalActivity
from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain import events as ev
from shared.domain.signals import Side
from shared.ports import JournalError

NOW_MS = 1_795_437_600_000
HOUR_MS = 3_600_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.sqlite"


def write(path: Path, *events: ev.Event, run_id: str = "run") -> None:
    journal = SqliteJournal(path, run_id)
    for event in events:
        journal.append(event)
    journal.close()


def signal(at_ms: int, signal_id: str = "s", reason: str | None = None) -> ev.SignalDecided:
    return ev.SignalDecided(
        at_ms=at_ms,
        signal_id=signal_id,
        controller_id="c",
        strategy="dca",
        pair="BTC-USDT",
        side=Side.BUY,
        candle_close_ms=at_ms,
        price=1.0,
        confidence=0.5,
        thresholds={},
        values={},
        reason=reason,
    )


def order(at_ms: int, signal_id: str = "s") -> ev.OrderSubmitted:
    return ev.OrderSubmitted(
        at_ms=at_ms,
        order_id=f"o-{signal_id}",
        executor_id=f"e-{signal_id}",
        signal_id=signal_id,
        account="a",
        pair="BTC-USDT",
        side=Side.BUY,
        order_type="LIMIT",
        price=Decimal(1),
        amount=Decimal(1),
        closing=False,
    )


def fill(at_ms: int, signal_id: str = "s") -> ev.OrderFilled:
    return ev.OrderFilled(
        at_ms=at_ms,
        trade_id="t",
        order_id=f"o-{signal_id}",
        signal_id=signal_id,
        pair="BTC-USDT",
        side=Side.BUY,
        price=Decimal(1),
        amount=Decimal(1),
        fee_quote=Decimal(0),
    )


def closed(at_ms: int, signal_id: str | None = "s") -> ev.ExecutorClosed:
    return ev.ExecutorClosed(
        at_ms=at_ms,
        executor_id=f"e-{signal_id}",
        signal_id=signal_id,
        close_type="TAKE_PROFIT",
        reported_pnl_quote=Decimal(0),
        reported_fees_quote=Decimal(0),
    )


def failed(at_ms: int, code: str) -> ev.OrderFailed:
    return ev.OrderFailed(at_ms=at_ms, order_id="o", signal_id="s", code=code, message="no")


def candles(at_ms: int, evaluated: int, unevaluated: int) -> ev.CandlesEvaluated:
    return ev.CandlesEvaluated(
        at_ms=at_ms,
        controller_id="c",
        strategy="dca",
        pair="BTC-USDT",
        phase=1,
        config_id="f",
        since_ms=at_ms,
        until_ms=at_ms,
        evaluated=evaluated,
        unevaluated=unevaluated,
    )


def test_a_home_without_a_journal(path: Path) -> None:
    activity = JournalActivity(path)
    assert activity.until(NOW_MS) is None
    path.parent.mkdir()
    sqlite3.connect(path).close()
    assert activity.until(NOW_MS) is None, "nor between making it and its tables"


def test_everything_is_counted_by_what_it_is(path: Path) -> None:
    write(
        path,
        candles(NOW_MS - 5000, 60, 2),
        candles(NOW_MS - 4000, 40, 0),
        signal(NOW_MS - 3000),
        signal(NOW_MS - 3000, "r", "COOLDOWN"),
        signal(NOW_MS - 3000, "q", "COOLDOWN"),
        signal(NOW_MS - 3000, "p", "FEED_STALE"),
        order(NOW_MS - 2000),
        failed(NOW_MS - 2000, "-2010"),
        fill(NOW_MS - 1500),
        fill(NOW_MS - 1400),
        closed(NOW_MS - 1000),
        closed(NOW_MS - 1000, "never filled"),
        closed(NOW_MS - 1000, None),
    )
    found = JournalActivity(path).until(NOW_MS)
    assert found is not None
    assert (found.candles, found.unevaluated) == (100, 2)
    assert (found.signals, found.taken, found.refused) == (4, 1, {"COOLDOWN": 2, "FEED_STALE": 1})
    assert (found.orders, found.failed, found.fills, found.trades) == (1, {"-2010": 1}, 2, 1)
    assert found.newest_age_s == 1.0


def test_what_is_older_than_a_day_is_not_counted(path: Path) -> None:
    write(path, *(signal(NOW_MS - hours * HOUR_MS) for hours in (30, 25, 24, 23, 1)))
    activity = JournalActivity(path)
    for later_h, count in ((0, 3), (1, 2), (23, 1), (24, 0), (100, 0)):
        found = activity.until(NOW_MS + later_h * HOUR_MS)
        assert found is not None
        assert found.signals == count
    write(path, signal(NOW_MS + 100 * HOUR_MS))
    found = activity.until(NOW_MS + 100 * HOUR_MS)
    assert found is not None
    assert found.signals == 1, "what is appended later is found"


def test_a_run_on_a_virtual_clock_in_between_hides_nothing(path: Path) -> None:
    write(path, signal(NOW_MS - 2000))
    write(path, signal(NOW_MS - 9000 * HOUR_MS), fill(NOW_MS - 9000 * HOUR_MS), run_id="replay")
    write(path, closed(NOW_MS - 1000))
    found = JournalActivity(path).until(NOW_MS)
    assert found is not None
    assert (found.signals, found.fills, found.trades) == (1, 0, 0), (
        "nor is a fill of the replay taken for one of the run"
    )


def test_another_file_in_its_place_is_read_from_its_beginning(path: Path) -> None:
    write(path, signal(NOW_MS - 100 * HOUR_MS), signal(NOW_MS - 1000))
    activity = JournalActivity(path)
    activity.until(NOW_MS)
    path.rename(path.with_suffix(".old"))
    for side_file in path.parent.glob("journal.sqlite-*"):
        side_file.unlink()
    write(path, signal(NOW_MS - 500))
    found = activity.until(NOW_MS)
    assert found is not None
    assert (found.signals, found.newest_age_s) == (1, 0.5)


def test_a_file_that_is_no_journal(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("not a database, " * 100)
    with pytest.raises(JournalError, match="cannot read the journal"):
        JournalActivity(path).until(NOW_MS)
