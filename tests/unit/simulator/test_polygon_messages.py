"""Polygon's JSON: what is sound reads as it should, what is spoiled does not."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.simulator import polygon_messages as messages
from shared.simulator.bar_book import BookBar
from shared.simulator.fault_kinds import Kind

PRICE = st.decimals(Decimal("0.00001"), Decimal(10**6), places=5)
BAR = BookBar(1_736_121_600_000, Decimal(5), Decimal(7), Decimal(4), Decimal(6), Decimal("1.5"), Decimal(5), 3)


@given(st.builds(BookBar, st.integers(0, 2**41), PRICE, PRICE, PRICE, PRICE, PRICE, PRICE, st.integers(1, 10**6)))
def test_numbers_are_written_in_full(bar: BookBar) -> None:
    element = json.loads(messages.aggregate("XA", "BTC-USD", bar, 60_000), parse_float=Decimal, parse_int=Decimal)
    row = json.loads(messages.row(bar), parse_float=Decimal, parse_int=Decimal)
    for told in (element, row):
        assert (told["o"], told["h"], told["l"], told["c"]) == (bar.open, bar.high, bar.low, bar.close)
        assert (told["v"], told["vw"]) == (bar.volume, bar.vwap)
    assert (element["s"], element["e"], row["t"]) == (bar.open_ms, bar.open_ms + 60_000, bar.open_ms)


def test_elements_make_a_frame() -> None:
    statuses = [messages.status("connected", 'as "said"'), messages.status("success", "")]
    assert [one["status"] for one in json.loads(messages.frame(statuses))] == ["connected", "success"]


def test_a_page_without_bars_has_no_results() -> None:
    page = json.loads(messages.page("X:BTCUSD", [], 0, None))
    assert (page["resultsCount"], "results" in page, "next_url" in page) == (0, False, False)
    assert len(json.loads(messages.page("X:BTCUSD", [BAR], 1, "http://h/?a=b"))["results"]) == 1


@pytest.mark.parametrize("kind", [Kind.NAN, Kind.HUGE_NUMBER, Kind.WRONG_SHAPE, Kind.UNKNOWN_EVENT])
def test_a_spoiled_element_is_no_bar(kind: Kind) -> None:
    element = json.loads(messages.spoiled(kind, "BTC-USD", BAR, 60_000))
    close = element.get("c")
    assert element["ev"] != "XA" or close is None or close != close or close > 10**300


def test_other_faults_spoil_no_element() -> None:
    with pytest.raises(ValueError, match="does not spoil"):
        messages.spoiled(Kind.DUPLICATE, "BTC-USD", BAR, 60_000)


def test_a_bar_before_its_revision_is_sound_and_another_one() -> None:
    before = messages.altered(BAR)
    assert (before.open_ms, before.low <= before.close <= before.high) == (BAR.open_ms, True)
    assert before != BAR


@pytest.mark.parametrize(
    ("status", "said"), [(401, "ERROR"), (403, "NOT_AUTHORIZED"), (404, "NOT_FOUND"), (418, "ERROR")]
)
def test_a_refusal_has_a_word_and_a_reason(status: int, said: str) -> None:
    body = messages.error(status)
    assert (body["status"], bool(body["error"])) == (said, True)
    assert messages.error(status, "because")["error"] == "because"
