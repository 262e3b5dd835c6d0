"""What `recovery storage analyze` shows, figures pinned.

After a change that is meant, write the golden files anew: python -m tests.unit.cli.test_storage_sizes
"""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from shared.adapters.postgres.growth import Basis, KnownGrowth
from shared.adapters.postgres.sizes import REST, DatabaseSizes
from shared.cli.storage_sizes import Report, as_json_view, print_report
from shared.domain.projection import Projection
from shared.domain.retention import Dataset
from shared.domain.storage import Saving, TableSize

GOLDEN = Path(__file__).parent / "golden"
MEASURED = KnownGrowth(2_400_000.0, Basis.PARTITIONS)
UNKNOWN = KnownGrowth(None, Basis.UNKNOWN)
STILL = KnownGrowth(0.0, Basis.STATISTICS)
TABLES = (
    TableSize("legacy.ohlc_data", 12_960_000, 1_650_000_000, 850_000_000, 8192, 120_000_000, 0),
    TableSize("ohlc_data_1m", 575_769, 68_845_568, 25_911_296, 335_872, 0, 2),
    TableSize("shadow_testing_scans", None, 8_617_984, 0, 8192, None, 0),
    TableSize("signals", 120, 40_960, 16_384, 8192, 0, 0),
    TableSize("orders", 0, 8192, 16_384, 8192, 0, 0),
    TableSize(REST, 0, 12_154_559, 0, 0, 0, 0),
)
SIZES = DatabaseSizes(
    at=datetime(2026, 11, 23, 12, 40, tzinfo=UTC),
    database_bytes=sum(table.total_bytes for table in TABLES),
    tables=TABLES,
    partitions={
        "ohlc_data_1m": (
            TableSize("ohlc_data_1m_20261121", 287_769, 34_000_000, 12_900_000, 168_000, 0, 0),
            TableSize("ohlc_data_1m_20261122", 288_000, 34_845_568, 13_011_296, 167_872, 0, 0),
        )
    },
    growth={
        "legacy.ohlc_data": STILL,
        "ohlc_data_1m": MEASURED,
        "shadow_testing_scans": UNKNOWN,
        "signals": KnownGrowth(-1200.0, Basis.SAMPLES),
        "orders": STILL,
        REST: STILL,
    },
    database_growth=MEASURED,
    retained=(),
    written_per_day=dict.fromkeys(Dataset, 0.0) | {Dataset.OHLC_1M: 2_400_000.0},
    other_per_day=0.0,
    growth_ignored=("shadow_testing_scans",),
    unanalyzed=("shadow_testing_scans",),
    legacy_in_public=(),
    adopted=("legacy.ohlc_data",),
)
REPORT = Report(
    place="postgres@db.example.org:5432/postgres (SUPABASE_DB_URL)",
    sizes=SIZES,
    limit_bytes=8_000_000_000,
    price_usd_per_gb_month=Decimal("0.125"),
    savings=(
        Saving(Dataset.OHLC_1M, 288_000, 47_000_000, Decimal("0.005875")),
        Saving(Dataset.SCAN_HISTORY, None, 0, Decimal(0)),
    ),
    projections=tuple(
        Projection(day, SIZES.database_bytes + 2.4e6 * day, SIZES.database_bytes - 4.7e7 + 2.4e6 * min(day, 90))
        for day in range(366)
    ),
)


def shown(report: Report, width: int, *, every_table: bool = False) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    print_report(console, report, every_table)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


CASES = {
    "storage_analyze_80.txt": lambda: shown(REPORT, 80),
    "storage_analyze_150.txt": lambda: shown(REPORT, 150),
    "storage_analyze_partitions.txt": lambda: shown(REPORT, 100, every_table=True),
}


@pytest.mark.parametrize("name", CASES)
def test_the_report_is_as_it_was_approved(name: str) -> None:
    assert CASES[name]() == (GOLDEN / name).read_text()


@pytest.mark.parametrize("width", [80, 100, 150])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in shown(REPORT, width, every_table=True).splitlines()) <= width


def test_what_is_unknown_is_said_to_be() -> None:
    unknown = replace(
        REPORT, sizes=replace(SIZES, database_growth=UNKNOWN, written_per_day=dict.fromkeys(Dataset)), projections=None
    )
    text = " ".join(shown(unknown, 80).split())
    assert "full in unknown" in text
    assert "retention later unknown, as the growth is" in text
    assert "without retention" not in text


def test_a_legacy_database_is_told_what_comes_next() -> None:
    legacy = replace(REPORT, sizes=replace(SIZES, adopted=(), legacy_in_public=("ohlc_data", "scan_history")))
    text = " ".join(shown(legacy, 80).split())
    assert "recovery db migrate moves them aside" in text
    assert "legacy.ohlc_data: recovery storage adopt" in text


def test_a_near_limit_is_drawn_and_a_far_one_is_named() -> None:
    assert "limit 2.60 GB" in shown(replace(REPORT, limit_bytes=2_600_000_000), 80)
    far = shown(replace(REPORT, limit_bytes=90_000_000_000), 80)
    assert "The limit, 90.00 GB, is far above." in far


def test_programs_get_the_same() -> None:
    view = json.loads(json.dumps(as_json_view(REPORT)))
    assert view["database_bytes"] == SIZES.database_bytes
    assert view["days_until_full"] == pytest.approx((8_000_000_000 - SIZES.database_bytes) / 2_400_000)
    assert [table["name"] for table in view["tables"]] == [table.name for table in TABLES]
    assert [part["rows"] for part in view["tables"][1]["partitions"]] == [287_769, 288_000]
    assert view["tables"][2]["rows"] is None
    assert view["projection"]["day"] == 365
    assert view["projection"]["saves_bytes"] == pytest.approx(4.7e7 + 2.4e6 * 275)
    assert view["retention_frees_now"][0] == {
        "dataset": "ohlc_1m",
        "rows": 288_000,
        "bytes": 47_000_000,
        "monthly_cost_usd": "0.005875",
    }
    shrinking = replace(REPORT, sizes=replace(SIZES, database_growth=STILL), projections=None)
    assert as_json_view(shrinking)["days_until_full"] is None
    assert as_json_view(shrinking)["projection"] is None


if __name__ == "__main__":
    for golden, make in CASES.items():
        (GOLDEN / golden).write_text(make())
