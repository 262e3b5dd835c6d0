"""The report file: its keys are what other programs read, its figures come from the fills."""

from decimal import Decimal

from shared.domain.report import RunReport, verification_as_json
from shared.domain.verification import verify
from tests.unit.domain.generated_runs import TradeBuilder, finished, record, round_trip, signal


def report() -> RunReport:
    failed = TradeBuilder("2").open()
    failed.order([], amount=Decimal(1), limit=Decimal(100), end="failed")
    run = record(finished([round_trip("1"), failed.close("FAILED")], [signal("x", reason="cooldown")]))
    return RunReport(
        hummingbot="20260126",
        venue="simulated",
        seed=7,
        duration_s=1.23456,
        market_duration_s=3600.0004,
        ready_s=None,
        refused_hosts={"api.example.com": 2},
        record=run,
        verification=verify(run),
    )


def test_the_report_as_json() -> None:
    assert report().as_json() == {
        "hummingbot": "20260126",
        "venue": "simulated",
        "seed": 7,
        "duration_s": 1.235,
        "market_duration_s": 3600.0,
        "ready_s": None,
        "signals": 3,
        "signals_refused": {"cooldown": 1},
        "orders_submitted": 4,
        "orders_failed": {"-2010": 1},
        "fills": 4,
        "trades_closed": 1,
        "close_types": {"TAKE_PROFIT": 1},
        "realized_pnl_quote": 0.849,
        "fees_quote": 0.151,
        "refused_hosts": {"api.example.com": 2},
        "verify": {
            "ok": True,
            "checked": 1,
            "checked_signals": 3,
            "checked_orders": 4,
            "checked_fills": 4,
            "mismatches": [],
        },
    }


def test_mismatches_are_listed() -> None:
    run = record([*finished([round_trip()])[:-1], signal("late")])
    run.stray_fills.append(round_trip("elsewhere").fills[0])
    told = verification_as_json(verify(run))
    assert told["ok"] is False
    assert told["mismatches"] == ["fill fill-elsewhere-1-1 belongs to no order (it names order-elsewhere-1)"]
