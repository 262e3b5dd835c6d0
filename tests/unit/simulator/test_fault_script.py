"""Faults as people write them: a file, and one of a control call."""

from pathlib import Path
from typing import Any

import pytest

from shared.simulator.fault_kinds import Evict, Kind, Moment, Part, Where
from shared.simulator.fault_script import read_fault, read_script
from shared.simulator.faults import Fault
from shared.wire.config_errors import ConfigError


def test_a_script_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "faults.yml"
    path.write_text(
        "faults:\n"
        "- {where: polygon, part: stream, kind: close, code: 1008, moment: auth, after_s: 120}\n"
        "- {where: polygon, kind: eviction, evict: newest, for_s: 60}\n"
        "- {where: binance, kind: status, status: 429, retry_after_s: 30, times: 3, symbol: BTC-USDT}\n"
        "- {where: coingecko, kind: clock_skew, skew_s: -2.5, at: 2026-01-26T12:00:00Z}\n"
    )
    assert read_script(path) == [
        Fault(where=Where.POLYGON, part=Part.STREAM, kind=Kind.CLOSE, code=1008, moment=Moment.AUTH, after_s=120.0),
        Fault(where=Where.POLYGON, kind=Kind.EVICTION, evict=Evict.NEWEST, for_s=60.0),
        Fault(where=Where.BINANCE, kind=Kind.STATUS, status=429, retry_after_s=30.0, times=3, symbol="BTC-USDT"),
        Fault(where=Where.COINGECKO, kind=Kind.CLOCK_SKEW, skew_s=-2.5, at_ms=1_769_428_800_000),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("faults: 7", "faults = 7: must be"),
        ("fault: []", "fault"),
        ("faults:\n- {where: polygon, kind: stop}", "faults.0.kind = stop: "),
        ("faults:\n- {where: polygon, kind: close, codes: 1008}", "faults.0.codes = 1008: there is no such setting"),
        ("faults:\n- {where: polygon, kind: close}\n- {where: polygon, kind: stall, code: 1}", "faults.1.code = 1: "),
        ("faults:\n- {where: polygon, kind: stall, code: 1008}", "faults.0.code = 1008: stall has no such option"),
        ("faults:\n- {where: polygon, kind: down, at: 2026-01-26T12:00:00}", "faults.0.at = 2026-01-26T12:00:00: "),
        ("faults:\n- {where: polygon, kind: down, for_s: .inf}", "faults.0.for_s = inf: "),
        ("[]", "must hold settings"),
    ],
)
def test_a_script_that_cannot_be_is_refused_by_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "faults.yml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_script(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [{}, {"where": "polygon"}, {"where": "polygon", "kind": "down", "times": 0}, {"where": 1, "kind": "down"}],
)
def test_a_control_call_that_cannot_be_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^fault: "):
        read_fault(content)
