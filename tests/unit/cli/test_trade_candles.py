"""Candles around a trade: those of its market and its time and no others, or none and the reason."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.cli.errors import UsageError
from shared.cli.market import MarketChoice, parse_market
from shared.cli.trade_candles import Backdrop, CandleSource, Window
from shared.domain.run_record import RunRecord
from shared.domain.trades import Trade, trades_of
from tests.unit.cli.simulated_trades import MARKET, path, price_at, run_of, traded
from tests.unit.cli.trade_samples import START_MS, Position, at, signal, terms


def found(record: RunRecord, *files: Path) -> tuple[Trade, Window, Backdrop]:
    """The first trade's candles."""
    trade = trades_of([("one", record)])[0]
    window = Window.around(trade.opened_ms, trade.closed_ms or record.last_ms)
    return trade, window, CandleSource(files).around(trade, record, window)


def reason(record: RunRecord, *files: Path) -> str:
    """Why there are none."""
    _, _, backdrop = found(record, *files)
    assert backdrop.candles is None
    return backdrop.source


def recording(file: Path, *, minutes: int = 120, first_minute: int = -20, step: int = 1, shift: float = 0.0) -> Path:
    """A recording of the seeded market, its prices moved by a fraction."""
    rows = ["timestamp,open,high,low,close,volume"]
    for minute in range(first_minute, first_minute + minutes, step):
        klines = path().klines(60, at(minute), at(minute + step - 1), at(minute + step))
        scale = 100 / (1 + shift)
        figures = (klines.open[0], klines.high.max(), klines.low.min(), klines.close[-1])
        rows.append(",".join(map(str, [at(minute) // 1000, *(figure / scale for figure in figures), 1])))
    file.write_text("\n".join(rows) + "\n")
    return file


def test_the_simulated_market_is_made_again() -> None:
    _, window, backdrop = found(run_of(traded()))
    candles = backdrop.candles
    assert candles is not None
    assert backdrop.source == "Candles of 1m: simulated, seed 1."
    assert (window.start_ms, window.end_ms) == (at(-7), at(33))
    assert int(candles.open_time_s[0]) * 1000 == window.start_ms
    assert candles.last_close_ms == window.end_ms
    expected = path().klines(60, at(-7), at(32), at(33))
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(candles, name), getattr(expected, name) / 100)


def test_a_perpetual_has_its_own_ticks() -> None:
    _, _, backdrop = found(run_of(traded(perpetual=True)))
    assert backdrop.candles is not None
    assert np.array_equal(backdrop.candles.close, path(True).klines(60, at(-7), at(32), at(33)).close / 10)


def test_a_long_trade_has_longer_candles_all_of_them_whole() -> None:
    _, window, backdrop = found(run_of(traded(closed=1266)))
    candles = backdrop.candles
    assert candles is not None
    assert backdrop.source.startswith("Candles of 30m")
    assert len(candles) <= 120
    opens_ms = candles.open_time_s * 1000
    assert (opens_ms % 1_800_000 == 0).all()
    assert window.start_ms <= opens_ms[0] < window.start_ms + 1_800_000
    assert window.end_ms - 1_800_000 < candles.last_close_ms <= window.end_ms


@pytest.mark.parametrize(
    ("market", "why"),
    [
        ("", "the journal does not say what was traded; name a recording with --candles"),
        ("live", "those of live are not kept; name a recording with --candles"),
        ("venue http://127.0.0.1:8000", "those of venue http://127.0.0.1:8000 are not kept; name a recording with"),
        ("live, seed 1", "those of live, seed 1 are not kept"),
        ("simulated", "those of simulated are not kept"),
        ("replay:/nowhere/x_BTC-USDT_1m.csv, seed 1", "--venue = replay:/nowhere/x_BTC-USDT_1m.csv: no such file"),
        ("replay:x@y, seed 1", "x: START 'y' is not a UTC minute"),
    ],
)
def test_what_cannot_be_made_again_is_said(market: str, why: str) -> None:
    assert reason(run_of(traded(), market=market)).startswith(f"No candles: {why}")


def test_a_market_that_is_another_by_now_is_not_drawn() -> None:
    """One signal that closed elsewhere gives it away, be it not the trade's own."""
    assert reason(run_of(traded(), market="simulated, seed 2")).startswith(
        "No candles: simulated, seed 2 is another market by now; the candle closed at "
    )
    record = run_of(traded())
    record.signals.append(replace(signal(30), price=float(price_at(29.99)) + 0.01))
    assert "at 2025-01-06 00:30" in reason(record)
    record.signals[-1] = replace(signal(30), price=float(price_at(29.99)))
    assert found(record)[2].candles is not None


def test_another_pairs_signals_say_nothing_of_it() -> None:
    record = run_of(traded())
    record.signals.append(signal(30, pair="ETH-USDT", price=1.0))
    assert found(record)[2].candles is not None


def test_a_pair_the_venue_does_not_list_is_said() -> None:
    position = Position(signal(6, pair="XYZ-USDT"), terms("1"))
    position.order(6, "1", limit="1", fills=[(6, "1", "1")])
    assert "does not list 'XYZ-USDT'" in reason(run_of(position))


def test_a_replay_is_moved_as_the_run_had_it(tmp_path: Path) -> None:
    """Two recordings of different dates: the second one plays at the first one's START."""
    start_s = START_MS // 1000
    rows = "timestamp,open,high,low,close,volume\n"
    first, second = tmp_path / "a_ETH-USDT_1m.csv", tmp_path / "b_BTC-USDT_1m.csv"
    for file, offset_s in ((first, 0), (second, 86_400 * 30)):
        lines = (f"{start_s + offset_s + 60 * n},{100 + n},{100.5 + n},{99.5 + n},{100 + n},5" for n in range(600))
        file.write_text(rows + "\n".join(lines) + "\n")
    market = f"replay:{first}@2025-01-06T05:00,{second}@2025-02-05T06:00, seed 4"
    # At 05:10 of the first one the second one is at 06:10 of its own day: its candle number 370 closes there.
    position = Position(signal(310, price=469.0), terms("470"))
    position.order(310.5, "1", limit="470", fills=[(310.5, "470", "1")]).close(320, "EARLY_STOP")
    record = run_of(position, market=market)
    _, window, backdrop = found(record)
    assert backdrop.candles is not None, backdrop.source
    assert backdrop.source == "Candles of 1m: b_BTC-USDT_1m.csv replayed from 2025-02-05 06:00, seed 4."
    opens = backdrop.candles.open_time_s
    assert (opens[0] * 1000, backdrop.candles.last_close_ms) == (window.start_ms, window.end_ms)
    assert np.array_equal(backdrop.candles.close, 100 + (opens - start_s) / 60 + 60)


def test_a_replay_is_made_with_the_history_its_run_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens within recorded candles is drawn from where they begin: with less history it is another market."""
    file = recording(tmp_path / "x_BTC-USDT_1m.csv", minutes=700, first_minute=-600)
    market = parse_market(f"replay:{file}", 1).with_history(9 * 3600)
    histories: list[int] = []

    def venue(choice: MarketChoice, *_: Any) -> None:
        histories.append(choice.history_s)
        raise UsageError("seen")

    monkeypatch.setattr(MarketChoice, "venue", venue)
    assert reason(run_of(traded(), market=market.description)).startswith("No candles: seen")
    assert histories == [9 * 3600]


def test_a_recording_goes_before_the_market(tmp_path: Path) -> None:
    file = recording(tmp_path / "mine_BTC-USDT_1m.csv")
    _, window, backdrop = found(run_of(traded(), market="live"), file)
    assert backdrop.source == "Candles of 1m: mine_BTC-USDT_1m.csv."
    candles = backdrop.candles
    assert candles is not None
    assert (int(candles.open_time_s[0]) * 1000, candles.last_close_ms) == (window.start_ms, window.end_ms)
    assert np.allclose(candles.close, path().klines(60, at(-7), at(32), at(33)).close / 100)


def test_a_recording_of_short_candles_is_put_together(tmp_path: Path) -> None:
    file = recording(tmp_path / "mine_BTC-USDT_1m.csv", minutes=2100, first_minute=-800)
    _, window, backdrop = found(run_of(traded(closed=1266), market="live"), file)
    candles = backdrop.candles
    assert candles is not None
    assert candles.interval_s == 1800
    first_ms = -(-window.start_ms // 1_800_000) * 1_800_000
    expected = path().klines(1800, first_ms, first_ms + 1_800_000 * (len(candles) - 1), at(1300))
    for name in ("open", "high", "low", "close"):
        assert np.allclose(getattr(candles, name), getattr(expected, name) / 100), name
    assert candles.volume.tolist() == [30.0] * len(candles)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"shift": 0.03}, "cannot have happened in those of mine_BTC-USDT_1m.csv"),
        ({"shift": -0.03}, "cannot have happened in those of mine_BTC-USDT_1m.csv"),
        ({"first_minute": -200, "minutes": 100}, "mine_BTC-USDT_1m.csv does not reach this trade's time"),
        ({"first_minute": -200, "minutes": 220}, "mine_BTC-USDT_1m.csv does not reach all of this trade's time"),
        ({"first_minute": 8, "minutes": 100}, "mine_BTC-USDT_1m.csv does not reach all of this trade's time"),
    ],
)
def test_a_recording_that_does_not_fit_is_not_drawn(changes: dict[str, Any], why: str, tmp_path: Path) -> None:
    file = recording(tmp_path / "mine_BTC-USDT_1m.csv", **changes)
    assert why in reason(run_of(traded(), market=MARKET), file)


def test_a_recording_of_another_pair_is_refused(tmp_path: Path) -> None:
    source = CandleSource([recording(tmp_path / "mine_BTC-USDT_1m.csv")])
    source.require_pairs(["BTC-USDT", "ETH-USDT"])
    with pytest.raises(UsageError, match=r"mine_BTC-USDT_1m.csv: holds BTC-USDT; the trades are of ETH-USDT"):
        source.require_pairs(["ETH-USDT"])


def test_a_market_is_made_again_once(monkeypatch: pytest.MonkeyPatch) -> None:
    source, record = CandleSource(), run_of(traded())
    trade = trades_of([("one", record)])[0]
    window = Window.around(trade.opened_ms, trade.closed_ms or 0)
    first = source.around(trade, record, window)
    monkeypatch.setattr("shared.cli.trade_candles.parse_market", None)
    assert source.around(trade, record, window).source == first.source


def test_a_window_has_room_on_both_sides() -> None:
    assert Window.around(at(10), at(10)) == Window(at(4), at(16))
    assert Window.around(at(60), at(160)) == Window(at(0), at(190))
    assert Window.around(at(10) + 1, at(10) + 1) == Window(at(4), at(17))
