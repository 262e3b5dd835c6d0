"""The same recorded candles are one market, however they were replayed."""

import pytest

from shared.domain.markets import market_of

ETH, BTC = "bybit_perp_ETH-USDT_5m.csv.gz", "bybit_perp_BTC-USDT_5m.csv.gz"


@pytest.mark.parametrize(
    "replayed",
    [
        f"replay:/a/{ETH}@2025-04-06T20:00, seed 1",
        f"replay:/a/{ETH}@2025-04-06T20:05, seed 1",
        f"replay:/b/c/{ETH}@2025-04-06T20:00, seed 2",
        f"replay:/a/{BTC}@2025-04-06T20:00,/a/{ETH}@2025-04-06T20:00, seed 1",
    ],
)
def test_neither_start_nor_seed_nor_folder_nor_company_makes_another_market(replayed: str) -> None:
    assert market_of(replayed, "ETH-USDT") == ETH


def test_shifted_recordings_are_a_market_of_their_own() -> None:
    shifted = f"replay:/a/{ETH}@2025-04-06T20:00,/a/{BTC}@2025-04-07T20:00, seed 1"
    assert market_of(shifted, "ETH-USDT") == shifted.replace("/a/", "")
    assert market_of(shifted, "BTC-USDT") == market_of(shifted.replace("/a/", "/b/"), "ETH-USDT")


@pytest.mark.parametrize("market", ["live", "simulated, seed 7", "", "venue http://127.0.0.1:8765"])
def test_other_markets_keep_their_names(market: str) -> None:
    assert market_of(market, "ETH-USDT") == market.replace("//", "")


def test_a_pair_without_a_recording_has_the_whole_markets_name() -> None:
    market = f"replay:/a/{ETH}@2025-04-06T20:00, seed 1"
    assert market_of(market, "SOL-USDT") == market.replace("/a/", "")
