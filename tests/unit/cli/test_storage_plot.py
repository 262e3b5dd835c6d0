"""The plot of sizes to come."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.cli.storage_plot import shows_limit, size_plot
from shared.domain.projection import Projection

CHECKOUT = Path(__file__).resolve().parents[3]
# plotext's kernel may abort the process, which no test of its own process would outlive.
_MANY = """
import random
from shared.cli.storage_plot import size_plot
from shared.domain.projection import Projection

chance = random.Random(5)
for _ in range(150):
    days, start = chance.choice([2, 3, 30, 365, 3660]), chance.choice([0, 1, 8e6, 3e8, 5e12])
    rate = chance.choice([0, 0.001, 1e6, 1e12, -start / days])
    drop = chance.choice([0, start / 2, start])
    projections = [Projection(day, start + rate * day, max(0, start - drop + rate * min(day, 90))) for day in range(days + 1)]
    size_plot(projections, chance.choice([1, int(start) + 1, 10**14]), chance.choice([40, 79, 80, 150, 300]))
"""


def lines(limit_bytes: int, width: int = 80, days: int = 365) -> list[str]:
    projections = [Projection(day, 1e8 + 1e6 * day, 1e8 + 1e6 * min(day, 90)) for day in range(days + 1)]
    return size_plot(projections, limit_bytes, width).plain.splitlines()


def test_no_plot_aborts_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", _MANY], cwd=CHECKOUT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("width", [80, 150])
def test_it_is_as_wide_as_asked_whatever_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert {len(line.rstrip()) for line in lines(10**9, width)[:-1]} == {width}


def test_lines_are_named_where_they_are() -> None:
    plot = lines(600_000_000)
    rows = {name: next(row for row, line in enumerate(plot) if name in line) for name in ("without", "with r", "limit")}
    assert rows["limit"] < rows["without"] < rows["with r"]


def test_a_limit_out_of_sight_is_not_drawn() -> None:
    projections = [Projection(0, 1e8, 1e8), Projection(1, 1e8, 1e8)]
    assert shows_limit(projections, 400_000_000)
    assert not shows_limit(projections, 400_000_001)
    assert not any("limit" in line for line in lines(10**11))
