"""The journal's text: every event comes back as it was, and bad text raises JournalCodecError and nothing else."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import events as ev
from shared.domain.signals import Side
from shared.wire.journal_codec import JournalCodecError, decode_event, encode_event
from tests.journals import terms
from tests.unit.domain.generated_runs import round_trip, signal

texts = st.text(max_size=20)
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)
# One strategy for each type the fields of events have.
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**62), 2**62),
    str: texts,
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: decimals,
    Side: st.sampled_from(Side),
}


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    if annotation in BY_TYPE:
        return BY_TYPE[annotation]
    if is_dataclass(annotation):
        return events_of(annotation)
    parts = get_args(annotation)
    if type(None) in parts:
        return st.none() | values_of(next(part for part in parts if part is not type(None)))
    if parts[-1] is Ellipsis:
        return st.lists(values_of(parts[0]), max_size=3).map(tuple)
    return st.dictionaries(texts, values_of(parts[1]), max_size=3)


def events_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    fields = {name: values_of(found) for name, found in get_type_hints(kind).items() if name != "kind"}
    return st.builds(kind, **fields)


def digits(value: Any) -> Iterator[tuple[Any, ...]]:
    """Every Decimal in an event to the last digit, trailing zeros included, which == does not see."""
    if isinstance(value, Decimal):
        yield value.as_tuple()
    elif is_dataclass(value):
        yield from digits(vars(value))
    elif isinstance(value, Mapping | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from digits(part)


@given(st.one_of([events_of(kind) for kind in get_args(ev.Event)]))
def test_every_event_comes_back_as_it_was(event: ev.Event) -> None:
    text = encode_event(event)
    assert "\n" not in text
    found = decode_event(text)
    assert found == event
    assert type(found) is type(event)
    assert list(digits(found)) == list(digits(event))


def test_the_terms_of_a_position_are_exact() -> None:
    opened = round_trip().events[1]
    assert isinstance(opened, ev.ExecutorOpened)
    kept = terms(Decimal("60000.10"), Decimal("0.00012345678901234567"))
    found = decode_event(encode_event(replace(opened, terms=kept)))
    assert isinstance(found, ev.ExecutorOpened)
    assert found.terms == kept
    assert list(digits(found.terms)) == list(digits(kept))
    assert isinstance(found.terms.prices, tuple)


OPENED = round_trip().events[1]
# As bots wrote them before there were phases, and what is read from them now.
OLDER = {
    ev.RunStarted: {"market": ""},
    ev.SignalDecided: {"components": {}, "adjustments": {}, "phase": None, "config_id": None},
    ev.ExecutorOpened: {"terms": None},
}


@given(st.one_of([events_of(kind) for kind in get_args(ev.Event)]))
def test_an_event_of_an_older_bot_is_read(event: ev.Event) -> None:
    since = OLDER.get(type(event), {})
    content = json.loads(encode_event(event))
    found = decode_event(json.dumps({name: value for name, value in content.items() if name not in since}))
    assert found == replace(event, **since)


def test_money_is_text_to_the_last_digit() -> None:
    fill = round_trip().fills[0]
    assert json.loads(encode_event(fill))["fee_quote"] == "0.05"
    exact = Decimal("0.1234567890123456789012345678")
    closed = ev.ExecutorClosed(
        at_ms=1,
        executor_id="e",
        signal_id=None,
        close_type="",
        reported_pnl_quote=exact,
        reported_fees_quote=Decimal("1.500"),
    )
    found = decode_event(encode_event(closed))
    assert isinstance(found, ev.ExecutorClosed)
    assert (str(found.reported_pnl_quote), str(found.reported_fees_quote)) == (str(exact), "1.500")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.one_of(st.text(), json_values.map(json.dumps)))
def test_bad_text_raises_its_own_error(text: str) -> None:
    with pytest.raises(JournalCodecError, match="not a journal event"):
        decode_event(text)


@given(st.one_of([events_of(kind) for kind in get_args(ev.Event)]), st.data())
def test_a_damaged_event_is_read_as_another_or_raises_its_own_error(event: ev.Event, data: st.DataObject) -> None:
    content = json.loads(encode_event(event))
    name = data.draw(st.sampled_from(sorted(content)))
    if data.draw(st.booleans()):
        del content[name]
    else:
        content[name] = data.draw(json_values)
    try:
        decode_event(json.dumps(content))
    except JournalCodecError:
        return


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"kind": "fill"}', '{"kind": "elsewhere", "at_ms": 1}', '{"at_ms": 1}', "\ud800"]
)
def test_what_is_no_event_is_quoted(text: str) -> None:
    with pytest.raises(JournalCodecError):
        decode_event(text)


@pytest.mark.parametrize(
    "event",
    [
        replace(signal("a"), price=float("nan")),
        replace(signal("a"), values={"drop": float("inf")}),
        ev.ExecutorClosed(
            at_ms=1,
            executor_id="e",
            signal_id=None,
            close_type="FAILED",
            reported_pnl_quote=Decimal("NaN"),
            reported_fees_quote=Decimal(0),
        ),
        ev.RunStopped(at_ms=1, balances={"paper": {"USDT": Decimal("Infinity")}}),
        replace(OPENED, terms=replace(terms(Decimal(100), Decimal(1)), stop_loss=Decimal("NaN"))),
        replace(OPENED, terms=terms(Decimal("NaN"), Decimal(1))),
    ],
    ids=["price", "value", "PnL", "balance", "barrier", "level"],
)
def test_what_cannot_be_read_again_is_not_written(event: ev.Event) -> None:
    try:
        text = encode_event(event)
    except JournalCodecError:
        return
    decode_event(text)
