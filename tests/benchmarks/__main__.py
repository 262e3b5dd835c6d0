"""Benchmarks: medians over several runs, Hummingbot's own figures beside ours. `python -m tests.benchmarks --runs 5`."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain.events import OrderFilled
from shared.domain.signals import Side

_APPENDS = 20_000
# Market seconds measured after the bot is ready: at full speed, and in real time.
_FAST_S, _REAL_S = 1800, 20
_FIGURES = {
    "ready_s": ("process start -> ready", "s", "<= 12"),
    "first_fill_s": ("ready -> first fill, real time at full speed", "s", ""),
    "first_fill_market_s": ("ready -> first fill, market time", "s", ""),
    "market_speed": ("market seconds a second, --speed max", "x", ">= 100"),
    "on_tick_ms": ("on_tick, median", "ms", ""),
    "cpu_share": ("share of a core, speed 1", "", "<= 0.10"),
    "orders": ("orders placed", "", ""),
    "fills": ("fills", "", ""),
}


_CONTROLLERS = {"pairs": 20, "closed": 100, "seconds": 20}
_CONTROLLER_FIGURES = {
    "idle_update_ms": ("a controller's turn without a new candle", "ms", "<= 0.1"),
    "cpu_share": ("share of a core, 20 pairs x 3 strategies, speed 1", "", "<= 1/10 of stock"),
    "on_tick_ms": ("on_tick, median", "ms", ""),
    "on_tick_p99_ms": ("on_tick, p99", "ms", "<= 10"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each measurement (default 5)")
    parser.add_argument("--json", type=Path, help="write all figures here")
    options = parser.parse_args()
    console = Console()
    results: dict[str, Any] = {}
    cases = [
        ("2 pairs, --speed max", {"pairs": 2, "speed": None, "market_s": _FAST_S}),
        ("1 pair, speed 1", {"pairs": 1, "speed": 1.0, "market_s": _REAL_S}),
        ("2 pairs, speed 1", {"pairs": 2, "speed": 1.0, "market_s": _REAL_S}),
        ("20 pairs, speed 1", {"pairs": 20, "speed": 1.0, "market_s": _REAL_S}),
    ]
    for name, case in cases:
        results[name] = {
            kind: _median([_worker({**case, "stock": kind == "stock"}) for _ in range(options.runs)])
            for kind in ("ours", "stock")
        }
        console.print(_table(name, results[name], shown_share=case["speed"] is not None))
    results["controllers"] = {
        kind: _median(
            [_worker(_CONTROLLERS | {"stock": kind == "stock"}, "controllers") for _ in range(options.runs)],
            _CONTROLLER_FIGURES,
        )
        for kind in ("ours", "stock")
    }
    console.print(_controllers_table(results["controllers"]))
    results["journal"] = _journal(options.runs)
    console.print(
        f"journal append: p50 {results['journal']['p50_ms']:.3f} ms, p99 {results['journal']['p99_ms']:.3f} ms "
        "(target p99 <= 1 ms)"
    )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def _worker(case: dict[str, Any], module: str = "worker") -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", json.dumps(case)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"benchmark {case} failed:\n{done.stderr[-4000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _median(runs: list[dict[str, float]], figures: Iterable[str] = _FIGURES) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in figures if all(name in run for run in runs)}


def _controllers_table(result: dict[str, dict[str, float]]) -> Table:
    table = Table(
        title="20 pairs x 3 strategies, 100 closed executors behind each controller",
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for column in ("", "ours", "stock-like", "ours / stock", "target"):
        table.add_column(column, justify="right" if column else "left")
    for key, (label, unit, target) in _CONTROLLER_FIGURES.items():
        ours, stock = result["ours"][key], result["stock"][key]
        table.add_row(label, f"{ours:.4f} {unit}", f"{stock:.4f} {unit}", f"1/{stock / ours:.1f}", target)
    return table


def _table(name: str, result: dict[str, dict[str, float]], *, shown_share: bool) -> Table:
    table = Table(title=name, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("", "ours", "stock", "target"):
        table.add_column(column, justify="right" if column else "left")
    for key, (label, unit, target) in _FIGURES.items():
        # A share of a core means something only in real time, the market's speed only at full speed.
        if key == ("market_speed" if shown_share else "cpu_share"):
            continue
        ours, stock = (f"{result[kind][key]:.3f} {unit}" if key in result[kind] else "-" for kind in ("ours", "stock"))
        table.add_row(label, ours, stock, target)
    return table


def _journal(runs: int) -> dict[str, float]:
    event = OrderFilled(
        at_ms=1_736_121_600_000,
        trade_id="binance-1",
        order_id="x-MG43PCSNBBCUT62afe64b66b65c32b",
        signal_id="recovery_dca_phase1_BTC-USDT@2025-01-06T00:06:00Z/BUY",
        pair="BTC-USDT",
        side=Side.BUY,
        price=Decimal("95243.53"),
        amount=Decimal("0.00125"),
        fee_quote=Decimal("0.11905441"),
    )
    p50, p99 = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            journal = SqliteJournal(Path(folder) / "journal.sqlite", run_id="bench")
            took = []
            for _ in range(_APPENDS):
                began = time.perf_counter()
                journal.append(event)
                took.append((time.perf_counter() - began) * 1000)
            journal.close()
        took.sort()
        p50.append(took[len(took) // 2])
        p99.append(took[len(took) * 99 // 100])
    return {"p50_ms": statistics.median(p50), "p99_ms": statistics.median(p99)}


if __name__ == "__main__":
    main()
