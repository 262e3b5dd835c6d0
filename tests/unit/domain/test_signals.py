"""Signals: sides, deterministic ids, and reasons that are words in a journal."""

import pytest

from shared.domain.signals import Refusal, Side, signal_id


def test_sides_are_opposite() -> None:
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY


def test_an_id_says_who_saw_it_when_and_which_way() -> None:
    closed_ms = 1_736_122_320_000
    named = signal_id("recovery_dca_BTC-USDT", Side.BUY, closed_ms)
    assert named == "recovery_dca_BTC-USDT@2025-01-06T00:12:00Z/BUY"
    assert signal_id("recovery_dca_BTC-USDT", Side.BUY, closed_ms) == named
    others = {
        signal_id("recovery_dca_ETH-USDT", Side.BUY, closed_ms),
        signal_id("recovery_dca_BTC-USDT", Side.SELL, closed_ms),
        signal_id("recovery_dca_BTC-USDT", Side.BUY, closed_ms + 60_000),
    }
    assert len(others | {named}) == 4


@pytest.mark.parametrize("reason", Refusal)
def test_a_reason_is_one_word_of_its_own(reason: Refusal) -> None:
    assert reason.value.replace("_", "").isalpha()
    assert reason.value == reason.value.lower()
    assert [other for other in Refusal if other.value == reason.value] == [reason]
