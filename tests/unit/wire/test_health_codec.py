"""A report of health survives its JSON, and nothing else is taken for one."""

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.health import Check, HealthReport, Level
from shared.wire.health_codec import HealthCodecError, read_report, report_as_json

words = st.text(max_size=20)
checks = st.builds(Check, words, st.sampled_from(Level), words, words, words)
reports = st.builds(
    HealthReport,
    words,
    st.integers(0, 4_000_000_000_000),
    st.integers(0, 10**7).map(lambda tenths: tenths / 10),
    st.lists(checks, max_size=5).map(tuple),
)
REPORT = HealthReport(
    "home",
    1_795_437_641_250,
    7260.0,
    (Check("feeds", Level.WARN, "binance in use", "nothing"), Check("a", Level.OK, "")),
)


@given(reports)
def test_it_is_read_as_it_was_written(report: HealthReport) -> None:
    assert read_report(json.dumps(report_as_json(report))) == report


def test_what_programs_read() -> None:
    assert report_as_json(REPORT) == {
        "home": "home",
        "at": "2026-11-23T12:40:41.250+00:00",
        "uptime_s": 7260.0,
        "level": "WARN",
        "checks": [
            {"name": "feeds", "level": "WARN", "reason": "binance in use", "advice": "nothing"},
            {"name": "a", "level": "OK", "reason": "", "advice": ""},
        ],
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
)


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_nothing_else_is_taken_for_one(given_bytes: bytes) -> None:
    with pytest.raises(HealthCodecError):
        read_report(given_bytes)


@given(st.sampled_from(["home", "at", "uptime_s", "checks"]), json_values)
def test_a_field_of_another_kind_raises_nothing_else(name: str, value: object) -> None:
    with contextlib.suppress(HealthCodecError):
        read_report(json.dumps({**report_as_json(REPORT), name: value}))


@given(json_values)
def test_a_check_of_another_kind_raises_nothing_else(value: object) -> None:
    with pytest.raises(HealthCodecError):
        read_report(json.dumps({**report_as_json(REPORT), "checks": [value]}))


@pytest.mark.parametrize("uptime_s", [True, "7260", math.nan, math.inf, None])
def test_an_uptime_that_is_none(uptime_s: object) -> None:
    with pytest.raises(HealthCodecError):
        read_report(json.dumps({**report_as_json(REPORT), "uptime_s": uptime_s}))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"at": "2026-11-23T12:40:41"}', "null", ""])
def test_texts_of_old_enemies(text: str) -> None:
    with pytest.raises(HealthCodecError):
        read_report(text)
