"""The fault matrix: each kind of fault has its cases, some of them are run here, and what they measure would be seen."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from shared.domain.bars import Bar, Series
from shared.domain.feed_status import Mode
from shared.domain.stored import Timeframe
from shared.simulator.fault_kinds import SHAPES
from shared.wire.feed_messages import FeedCandle, FeedClose, FeedMessage, FeedWindow
from tests.faults.cases import FEEDS, Case, cases, chosen
from tests.faults.measuring import measure
from tests.faults.outcome import Outcome, judge
from tests.faults.table import HEADS, markdown, shown
from tests.faults.truth import Difference, stored_difference, told_difference

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

CASES = cases()
MINUTE_MS = 60_000
SERIES = Series("polygon", "BTC-USD", Timeframe.MINUTE)
TRIED = (
    "polygon stream down, 200 s",
    "polygon stream auth_failed, 200 s",
    "polygon stream max_connections moment auth, 200 s",
    "polygon stream eviction newest, which is ours, 200 s",
    "polygon stream stall, once",
    "polygon stream revised, 3 times",
    "polygon stream no_trade BTC-USD, 4 times",
    "polygon rest clock_skew skew_s 120, 200 s",
    "binance stream half_open, 200 s",
    "binance stream out_of_order, 3 times",
    "binance rest status 429 retry_after_s 30, 200 s",
    "coingecko rest status 401, 200 s",
    "whole sources polygon down, all others too, 300 s",
)


def named(name: str) -> Case:
    return next(case for case in CASES if f"{case.feed} {case.name}" == name)


def test_each_kind_of_each_source_and_part_has_a_case() -> None:
    there = {(case.fault.where, case.fault.part, case.fault.kind) for case in CASES}
    wanted = {
        (where, part, kind)
        for where, part in FEEDS
        for kind, shape in SHAPES.items()
        if where in shape.where and part in shape.parts
    }
    assert wanted <= there
    assert len(CASES) >= 60


def test_each_case_has_a_name_of_its_own() -> None:
    assert len({(case.feed, case.name) for case in CASES}) == len(CASES)
    assert chosen("polygon stream close 1008", CASES) == [
        named("polygon stream close 1008, once"),
        named("polygon stream close 1008, 200 s"),
    ]


@pytest.mark.parametrize("name", TRIED)
def test_a_case(name: str) -> None:
    outcome = measure(named(name))
    assert not outcome.problems, "\n".join(outcome.said)


def prices(price: int) -> tuple[Decimal, ...]:
    return (Decimal(price),) * 5


def bar(minute: int, price: int = 100) -> Bar:
    return Bar(SERIES, minute * MINUTE_MS, *prices(price), is_closed=True)


def candle(minute: int, price: int = 100) -> FeedCandle:
    return FeedCandle(minute * MINUTE_MS, *prices(price))


@pytest.mark.parametrize(
    ("minutes", "missing", "wrong"),
    [
        ([bar(1), bar(2), bar(3)], 0, 0),
        ([bar(1), bar(3)], 1, 0),
        ([bar(1), bar(2, 101), bar(3)], 0, 1),
        ([bar(0), bar(1), bar(2), bar(3), bar(4)], 0, 1),  # the first was never; the last the truth does not reach to
        ([bar(1), bar(2), bar(3), bar(9)], 0, 1),  # has not been yet
    ],
)
def test_what_the_store_lacks_or_has_wrong_is_seen(minutes: Sequence[Bar], missing: int, wrong: int) -> None:
    truth = {minute * MINUTE_MS: prices(100) for minute in (1, 2, 3)}
    found = stored_difference(SERIES, truth, [each.stored() for each in minutes], 0, 5 * MINUTE_MS)
    assert (found.missing, found.wrong) == (missing, wrong)


def window(*candles: FeedCandle) -> FeedWindow:
    return FeedWindow("BTC-USDT", Timeframe.MINUTE, "polygon", "USD", 1, Mode.LIVE, "", 180, candles)


def close(minute: int, price: int = 100, revision: int = 0) -> FeedClose:
    return FeedClose("BTC-USDT", Timeframe.MINUTE, 1, candle(minute, price), revision)


@pytest.mark.parametrize(
    ("heard", "missing", "wrong", "again"),
    [
        ([window(candle(1)), close(2), close(3)], 0, 0, 0),
        ([window(candle(1)), close(2), close(2), close(3)], 0, 0, 1),
        ([window(candle(1)), close(1), close(2), close(3)], 0, 0, 1),
        ([window(candle(1)), close(2, 99), close(2, revision=1), close(3)], 0, 0, 0),
        ([window(candle(1)), close(2, 99), close(3)], 0, 1, 0),
        ([window(candle(1)), close(2)], 1, 0, 0),
        ([window(candle(1)), close(3)], 2, 0, 0),  # a hole when it was told, and one in the end
        ([window(candle(1)), close(2), window(candle(1), candle(2)), close(3)], 0, 0, 0),
    ],
)
def test_what_a_bot_is_told_wrongly_is_seen(heard: list[FeedMessage], missing: int, wrong: int, again: int) -> None:
    found = told_difference(heard, {SERIES: {minute * MINUTE_MS: prices(100) for minute in (1, 2, 3)}})
    assert (found.missing, found.wrong, found.again) == (missing, wrong, again)


def good(case: Case) -> Outcome:
    return Outcome(case.feed, case.name, ["polygon"], "polygon link", 0.5, 1.0, 2.0, a_minute=1, at_once=1, is_hit=True)


def test_what_is_not_good_enough_fails() -> None:
    case = named("polygon stream close 1006, once")
    assert judge(case, good(case)) == []
    for name, value in {
        "is_hit": False,
        "noticed_s": None,
        "mended_s": None,
        "blocked_s": 0.5,
        "difference": Difference(missing=1, example="lacks one"),
        "a_minute": 13,
        "at_once": 2,
        "defects": ["polygon_stream: a defect"],
    }.items():
        outcome = good(case)
        setattr(outcome, name, value)
        assert len(judge(case, outcome)) == 1, name
    refusal = named("polygon stream auth_failed, 200 s")
    assert judge(refusal, good(refusal)) == ["its refusal was not seen", "no other source took over"]


def test_the_document_has_every_case() -> None:
    outcomes = [good(case) for case in CASES]
    text = markdown(outcomes, 140.0)
    assert f"{len(CASES)} cases, 0 failed." in text
    assert text.count("\n## ") == len(FEEDS) + 1
    assert all(f"| {outcome.name} |" in text for outcome in outcomes)
    assert len(shown(outcomes[0])) == len(HEADS)
