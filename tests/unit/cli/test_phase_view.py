"""What `recovery phase` shows of gates and history, pinned.

After a change that is meant, write the golden files anew: python -m tests.unit.cli.test_phase_view
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from shared.adapters.postgres.evidence_queries import evidence_queries
from shared.cli.phase_evidence import Judged
from shared.cli.phase_view import (
    evidence_of,
    history_as_json,
    print_history,
    print_status,
    refusal,
    status_as_json,
)
from shared.domain import events as ev
from shared.domain.criteria import STRATEGIES, StoredTrades
from shared.domain.exits import STOP_LOSS, TAKE_PROFIT
from shared.domain.gates import judge
from tests.unit.domain.phase_changes import changed
from tests.unit.domain.phase_runs import (
    MINUTE_MS,
    config_of,
    exit_of,
    facts_of,
    put_together,
    round_trip,
    run_of,
    signal_of,
)

GOLDEN = Path(__file__).parent / "golden"
DAY_MS = 1_743_969_600_000  # 2025-04-06T20:00Z
FIRST_CANDLE = DAY_MS // MINUTE_MS


def under_way() -> list[Judged]:
    """A home on its way: phase 1 has passed, phase 2 has 27 trades, an order in three of which failed, and one late exit."""
    trades = [
        round_trip(
            signal_of(FIRST_CANDLE + number, STRATEGIES[number % 3], 2, f"{number % 3}9f8e7d6c5b4"),
            (TAKE_PROFIT, STOP_LOSS, "TIME_LIMIT")[number // 3 % 3],
            failed_orders=int(number % 10 == 0),
        )
        for number in range(26)
    ]
    trades.append(
        round_trip(
            signal_of(FIRST_CANDLE + 30, phase=2, config_id="09f8e7d6c5b4"),
            STOP_LOSS,
            decided=exit_of(STOP_LOSS, untouched_at_ms=None),
        )
    )
    configs = [config_of(f"{place}9f8e7d6c5b4", name, 2, DAY_MS) for place, name in enumerate(STRATEGIES)]
    earlier = [round_trip(signal_of(FIRST_CANDLE + number)) for number in range(3)]
    runs = put_together(a=run_of(earlier), b=run_of(trades, configs=configs), c=run_of(trades[:4], configs=configs[:1]))
    runs["a"].configs.append(config_of("a1b2c3d4e5f6", phase=1, at_ms=DAY_MS))
    stored = StoredTrades({"a": 3, "b": 27, "c": 0}, is_shipped=False)
    judged = []
    for phase in (1, 2, 3, 4):
        facts = facts_of(phase, runs, stored)
        judged.append(Judged(facts.evidence, judge(facts), evidence_queries(facts.evidence, "0f1e2d")))
    return judged


HISTORY = [
    changed(2, 1, forced=True, reason="to see whether phase 2 begins to trade at all, while the other waits"),
    changed(1, 2, reason="no reason given"),
]


def plain(width: int) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(width=width, file=text, color_system=None), text


def lines(text: io.StringIO) -> str:
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def shown(width: int, *, current: int = 2, queries: bool = False) -> str:
    console, text = plain(width)
    print_status(console, current, under_way(), queries=queries)
    return lines(text)


def history(changes: Sequence[ev.PhaseChanged], width: int = 80) -> str:
    console, text = plain(width)
    print_history(console, changes)
    return lines(text)


CASES = {
    "phase_status_80.txt": lambda: shown(80),
    "phase_status_queries.txt": lambda: shown(80, queries=True),
    "phase_history_80.txt": lambda: history(HISTORY),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_as_it_was_approved(name: str) -> None:
    assert CASES[name]() == (GOLDEN / name).read_text()


@pytest.mark.parametrize("width", [80, 110])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in shown(width).splitlines()) <= width
    assert max(len(line) for line in history(HISTORY, width).splitlines()) <= width


@pytest.mark.parametrize("phase", [1, 2, 3, 4])
def test_no_phase_says_a_service_is_there_that_is_not_built(phase: int) -> None:
    services = shown(80, current=phase).splitlines()[1]
    built, _, missing = services.partition("; not built yet: ")
    assert built == "Services: shipping, retention"
    assert missing == {3: "predictor, trainer", 4: "predictor, trainer, shadow"}.get(phase, "")
    assert status_as_json(phase, [])["services"] == ["shipping", "retention"]


def test_verdicts_have_their_colours() -> None:
    text = io.StringIO()
    console = Console(width=80, file=text, force_terminal=True, color_system="standard")
    print_status(console, 2, under_way(), queries=False)
    for colour, verdict in ((32, "PASSED"), (33, "INCONCLUSIVE")):
        assert f"\x1b[{colour}m{verdict}" in text.getvalue()


def test_brackets_in_a_text_are_not_taken_for_markup() -> None:
    assert "[red]" in history([changed(2, 1, reason="[red] or not")])


def test_without_a_change_there_is_none() -> None:
    assert history([]) == "no change yet: phase 1 from the beginning\n"
    assert history_as_json([]) == []


def test_programs_get_the_same_with_the_queries() -> None:
    view = json.loads(json.dumps(status_as_json(2, under_way())))
    assert (view["phase"], view["name"]) == (2, "validate")
    assert [(gate["phase"], gate["verdict"]) for gate in view["gates"]] == [
        (1, "PASSED"),
        (2, "INCONCLUSIVE"),
        (3, "INCONCLUSIVE"),
        (4, "INCONCLUSIVE"),
    ]
    gate = view["gates"][1]
    assert gate["configs"][0] == {
        "strategy": "recovery_channel",
        "phase": 2,
        "config_id": "29f8e7d6c5b4",
        "since": "2025-04-06T20:00:00+00:00",
    }
    assert gate["not_counted"] == {"repeated": 4, "of_other_configs": 0, "on_unnamed_markets": 0}
    rate = next(each for each in gate["criteria"] if each["name"] == "order_failure_rate")
    assert rate.pop("query").startswith("with originals as (")
    assert rate == {
        "name": "order_failure_rate",
        "title": "order failure rate",
        "value": "3 of 57, below 13.045%",
        "bound": "< 5%",
        "verdict": "INCONCLUSIVE",
        "needed": "96 more orders without a failure",
        "figures": {"orders": 57, "failed": 3},
    }
    assert view["gates"][2]["criteria"][0]["query"] is None


def test_programs_get_the_history_with_its_evidence() -> None:
    assert history_as_json(HISTORY)[0] == {
        "at": "2025-11-24T16:00:00+00:00",
        "from_phase": 1,
        "to_phase": 2,
        "forced": True,
        "reason": HISTORY[0].reason,
        "evidence": {},
    }


def test_what_is_recorded_of_a_gate() -> None:
    gates = under_way()
    assert evidence_of(gates[0]) == {
        "closed_trades": "PASSED: 27",
        "signals_reach_orders": "PASSED: 27 of 27",
        "reconciled": "PASSED: 0 mismatches in 31 trades",
    }
    assert evidence_of(gates[2]) == {"boosted_gain": "INCONCLUSIVE"}


def test_a_refusal_is_one_line() -> None:
    gates = under_way()
    assert refusal(2, *gates[1].gate.answers[0]) == (
        "phase 2 is not left: closed trades: 27, asked >= 50: INCONCLUSIVE: 23 more closed trades"
    )
    assert refusal(3, *gates[2].gate.answers[0]) == (
        "phase 3 is not left: gain of boosted trades: INCONCLUSIVE: not measured yet"
    )


if __name__ == "__main__":
    for golden, make in CASES.items():
        (GOLDEN / golden).write_text(make())
