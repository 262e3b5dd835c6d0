"""The feeds put together: what may rest on a pair's candles, what people see, what is kept at the end."""

import asyncio
from pathlib import Path

import pytest

from shared.domain.feed_status import Mode
from shared.domain.stored import Timeframe
from shared.ports import UnknownSymbol
from shared.sidecar.feeds import intake
from shared.sidecar.services import Watched
from shared.wire.feed_messages import FeedClose, ModeChange
from shared.wire.stream import Link, Malformed
from tests.conftest import VirtualRun
from tests.unit.sidecar.feeds.feed_samples import bar
from tests.unit.sidecar.feeds.feeds_world import feeds_world
from tests.unit.sidecar.feeds.serving_samples import MINUTES, Ear, told
from tests.unit.sidecar.feeds.test_prices import Marks

PAIR = "BTC-USDT"


def test_each_service_has_a_name_of_its_own(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        async with feeds_world(tmp_path, prices=Marks()) as world:
            names = [(each.service if isinstance(each, Watched) else each).name for each in world.feeds.services]
            assert len(set(names)) == len(names)
            assert {"polygon_stream", "binance_history", "selection", "switches", "coingecko_prices"} <= set(names)

    run_virtual(use())


def test_nothing_is_followed_until_somebody_asks(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        async with feeds_world(tmp_path) as world:
            await asyncio.sleep(5)
            assert world.feeds.detail() == {"pairs": 0, "shed": 0}
            assert world.histories["polygon"].asked == []
            world.feeds.serving.listen(Ear(), [MINUTES])
            await asyncio.sleep(5)
            assert world.machines["polygon"].wanted[-1] == {"BTC-USD"}
            assert world.machines["binance"].wanted[-1] == {"BTC-USDT"}
            assert world.feeds.selection.in_use == "polygon"

    run_virtual(use())


def test_modes_of_a_pair_are_told_once_each_as_its_candles_stop_and_come_back(
    run_virtual: VirtualRun, tmp_path: Path
) -> None:
    async def use() -> None:
        async with feeds_world(tmp_path, ["binance"], pairs=[PAIR]) as world:
            await asyncio.sleep(5)
            ear = Ear()
            world.feeds.serving.listen(ear, [MINUTES])
            await world.live(3)
            await asyncio.sleep(1)
            assert world.feeds.standing(PAIR).mode is Mode.LIVE
            ear.take()
            world.histories["binance"].trouble[PAIR] = UnknownSymbol("binance: a test")
            await world.live(6, "binance")
            assert told(ear.take()) == [("stale", "no source has candles of it now")]
            world.histories["binance"].trouble.clear()
            world.histories["binance"].bars_there += [bar(minute) for minute in range(60)]
            await world.live(25)
            heard = ear.take()
            assert told([message for message in heard if isinstance(message, ModeChange)]) == [("live", "")]
            opens = [message.candle.open_ms for message in heard if isinstance(message, FeedClose)]
            assert opens == list(range(opens[0], opens[-1] + 1, 60_000)), "each once and in order"

    run_virtual(use())


def test_a_newest_candle_that_is_too_old_is_stale_and_said_once(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        async with feeds_world(tmp_path, ["binance"], pairs=[PAIR], without=["candles", "selection"]) as world:
            world.feeds.selection._failover.backfilled("binance", 0.0)
            await asyncio.sleep(30)
            ear = Ear()
            world.feeds.serving.listen(ear, [MINUTES])
            assert world.feeds.standing(PAIR).mode is Mode.LIVE
            ear.take()
            world.histories["binance"].trouble[PAIR] = UnknownSymbol("binance: a test")
            world.feeds.books["binance"].filled = lambda *_: None  # type: ignore[method-assign]
            world.feeds.books["binance"].lacks = lambda _: False  # type: ignore[method-assign]
            await asyncio.sleep(600)
            assert told(ear.take()) == [("stale", "its newest candle of binance is older than 180 s")]

    run_virtual(use())


def test_candles_far_from_another_sources_price_are_degraded(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        async with feeds_world(tmp_path, prices=Marks(), pairs=[PAIR]) as world:
            await asyncio.sleep(5)
            assert world.feeds.standing(PAIR).mode is Mode.LIVE
            book = world.feeds.books["polygon"]
            book.reported([bar(-1, "104.9", source="polygon", symbol="BTC-USD")])
            assert world.feeds.standing(PAIR).mode is Mode.LIVE
            book.reported([bar(-1, "105.1", source="polygon", symbol="BTC-USD")])
            standing = world.feeds.standing(PAIR)
            assert (standing.mode, standing.reason) == (
                Mode.DEGRADED,
                "polygon's candles are more than 5% off another source's price",
            )

    run_virtual(use())


def test_an_old_price_is_no_judge_of_candles_that_came_since(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        marks = Marks()
        async with feeds_world(tmp_path, prices=marks, pairs=[PAIR]) as world:
            await asyncio.sleep(5)
            marks.is_away = True
            await world.live(2)
            book = world.feeds.books["polygon"]
            book.reported([bar(1, "110", source="polygon", symbol="BTC-USD")])
            assert world.feeds.standing(PAIR).mode is Mode.LIVE, "the price is of the minute before"
            book.reported([bar(0, "110", source="polygon", symbol="BTC-USD")])
            assert world.feeds.standing(PAIR).mode is Mode.DEGRADED

    run_virtual(use())


def test_without_a_source_a_price_is_degraded_and_none_is_stale(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        async with feeds_world(tmp_path, prices=Marks(), pairs=[PAIR, "XYZ-USDT"]) as world:
            for history in world.histories.values():
                history.trouble = {symbol: UnknownSymbol("no") for symbol in ("BTC-USD", "BTC-USDT", "XYZ-USD")}
            await asyncio.sleep(200)
            assert {pair: world.feeds.standing(pair).mode for pair in (PAIR, "XYZ-USDT")} == {
                PAIR: Mode.DEGRADED,
                "XYZ-USDT": Mode.STALE,
            }

    run_virtual(use())


def test_a_refused_key_moves_all_pairs_at_once_with_windows_of_the_other_source(
    run_virtual: VirtualRun, tmp_path: Path
) -> None:
    async def use() -> None:
        async with feeds_world(tmp_path, pairs=[PAIR]) as world:
            ear = Ear()
            world.feeds.serving.listen(ear, [MINUTES])
            await world.live(3)
            await asyncio.sleep(1)
            ear.take()
            world.machines["polygon"].move(Link.REFUSED, "the key was refused")
            await asyncio.sleep(3)
            assert told(ear.take()) == [("binance", 3, -57, 2)]
            (first, second) = world.store.switches.values()
            assert (first.to_source, second.to_source) == ("polygon", "binance")
            assert second.reason == "polygon is out: the key was refused"

    run_virtual(use())


def test_after_more_than_can_be_held_all_is_fetched_from_where_the_outbox_ends(
    run_virtual: VirtualRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use() -> None:
        async with feeds_world(tmp_path, ["binance"], pairs=[PAIR], without=["candles", "intake"]) as world:
            taking = world.feeds._intake
            world.histories["binance"].bars_there += [bar(minute) for minute in range(40)]
            await asyncio.sleep(30)
            await taking.step()
            monkeypatch.setattr(intake, "_MOST_HELD", 20)
            await asyncio.sleep(40 * 60)
            monkeypatch.undo()
            assert taking.detail() == {"held": 21}
            await taking.step()
            await asyncio.sleep(5)
            await taking.step()
            opened = sorted(each.opened_at for each in world.waiting() if each.timeframe is Timeframe.MINUTE)
            assert len(opened) == 160
            assert (opened[-1] - opened[0]).total_seconds() == 60 * 159, "without a hole"

    run_virtual(use())


def test_what_is_held_at_the_end_is_kept(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        async with feeds_world(tmp_path, ["binance"], pairs=[PAIR], without=["candles", "intake"]) as world:
            await asyncio.sleep(5)
            assert world.waiting() == []
            await world.feeds.close()
            assert len(world.waiting()) >= 3 * 119

    run_virtual(use())


def test_its_status_says_what_people_are_shown(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        async with feeds_world(tmp_path, pairs=[PAIR]) as world:
            world.histories["polygon"].skew_ms = 2000
            await world.live(3)
            world.machines["polygon"].news.append(Malformed("polygon", "no price", "{}"))
            world.report("polygon", bar(0, "-5", source="polygon", symbol="BTC-USD"))
            world.report("polygon", bar(0, "101", source="polygon", symbol="BTC-USD"))
            await asyncio.sleep(1)
            status = world.feeds.status()
            polygon, binance = status.sources
            assert (polygon.source, polygon.link, polygon.is_in_use, polygon.is_fit) == ("polygon", "live", True, True)
            assert (binance.source, binance.is_in_use, binance.is_fit) == ("binance", False, True)
            assert (polygon.malformed, polygon.quarantined, binance.malformed) == (1, 1, 0)
            assert polygon.newest_close_ms == bar(2).close_ms
            assert polygon.clock_skew_ms == pytest.approx(2000, abs=20)
            (pair,) = status.pairs
            assert (pair.pair, pair.mode, pair.source, pair.symbol) == (PAIR, Mode.LIVE, "polygon", "BTC-USD")
            assert (pair.missing, pair.revised, pair.mismatches) == (0, 1, 0)
            assert pair.age_s == pytest.approx(5, abs=2.5)
            assert (status.switches, status.shed) == (0, 0)
            assert status.outbox_waiting == len(world.waiting())

    run_virtual(use())


def test_a_shed_pair_goes_without_minutes_from_history(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        async with feeds_world(tmp_path, ["binance"], pairs=["ETH-USDT", PAIR], shed_to_pairs=1) as world:
            for _ in range(3):
                world.feeds.wanted.limited()
            assert world.feeds.wanted.shed == frozenset(), "the canary keeps its own"
            world.feeds.wanted.touch("SOL-USDT", 1)
            await asyncio.sleep(5)
            asked = {symbol for symbol, timeframe, _ in world.histories["binance"].asked if timeframe == "1m"}
            assert asked == {"SOL-USDT", PAIR}
            assert world.feeds.status().shed == 1

    run_virtual(use())
