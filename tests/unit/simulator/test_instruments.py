"""Instruments: Binance's filters, and ticks to text and back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.simulator.errors import UnknownPair
from shared.simulator.instruments import PERPETUAL, SPOT, Instrument, instrument_for

ALL = [*SPOT.values(), *PERPETUAL.values()]


def test_twenty_pairs_are_listed_both_spot_and_perpetual() -> None:
    assert len(SPOT) >= 20
    assert SPOT.keys() == PERPETUAL.keys()


@given(st.sampled_from(ALL), st.integers(0, 10**12))
def test_a_text_says_exactly_the_ticks_and_steps(instrument: Instrument, count: int) -> None:
    assert Decimal(instrument.price_text(count)) == count * instrument.tick_size
    assert Decimal(instrument.size_text(count)) == count * instrument.step_size


def test_spot_entry_has_the_filters_connectors_read() -> None:
    entry = instrument_for("BTC-USDT", perpetual=False).exchange_info()
    filters = {each["filterType"]: each for each in entry["filters"]}
    assert (entry["symbol"], entry["status"], entry["permissionSets"]) == ("BTCUSDT", "TRADING", [["SPOT"]])
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001"
    assert filters["NOTIONAL"]["minNotional"] == "5"


def test_perpetual_entry_has_the_filters_connectors_read() -> None:
    entry = instrument_for("BTC-USDT", perpetual=True).exchange_info()
    filters = {each["filterType"]: each for each in entry["filters"]}
    assert (entry["pair"], entry["contractType"], entry["marginAsset"]) == ("BTCUSDT", "PERPETUAL", "USDT")
    assert filters["PRICE_FILTER"]["tickSize"] == "0.1"
    assert filters["MIN_NOTIONAL"]["notional"] == "100"


def test_unknown_pair_names_it_and_what_is_listed() -> None:
    with pytest.raises(UnknownPair, match=r"does not list 'FOO-USDT'; it lists AAVE-USDT, .*BTC-USDT"):
        instrument_for("FOO-USDT", perpetual=False)


def test_a_tick_that_is_no_power_of_ten_is_refused() -> None:
    fields = {**instrument_for("BTC-USDT", perpetual=False).__dict__, "tick_size": Decimal("0.05")}
    names = Instrument.__dataclass_fields__
    with pytest.raises(ValueError, match=r"tick_size 0\.05 is not a power of ten"):
        Instrument(**{name: fields[name] for name in names})
