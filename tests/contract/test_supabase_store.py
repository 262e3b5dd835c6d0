"""The store by the API: stored once though answers are lost, read whole though they are cut, deleted within bounds."""

import asyncio
from contextlib import ExitStack
from datetime import timedelta

import pytest

from shared.adapters.supabase_leases import SupabaseLeases
from shared.adapters.supabase_store import SupabaseStore
from shared.domain.lease import Lease
from shared.domain.shipping import JournalBatch, Shipped
from shared.domain.stored import Timeframe
from shared.ports import StoreError, StoreUnavailable
from tests.contract.store_samples import ALWAYS, NOON, candle, of_strategy
from tests.contract.supabase_clients import Api
from tests.store_backends import JOURNAL, Backend, Databases, journal_of, ship_all, split
from tests.supabase_gateway import Answer, LostAnswer, PostgRest, SupabaseGateway
from tests.unit.domain.generated_runs import TradeBuilder, finished, round_trip, signal

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


def test_answers_lost_after_the_commit_leave_every_event_exactly_once(api: Api) -> None:
    events = finished([round_trip(str(number)) for number in range(3)])
    batch = journal_of(events)
    half = len(batch) // 2
    first, second = journal_of(events[:half]), journal_of(events[half:], first_seq=half + 1)
    assert api.run(lambda store: store.ship(first), LostAnswer(), LostAnswer()) == Shipped(half, 0, 0)
    assert len(api.gateway.requests) == 3
    with pytest.raises(StoreUnavailable):
        api.run(lambda store: store.ship(second), *[LostAnswer()] * 5)
    assert api.run(lambda store: store.cursor(JOURNAL)) == len(batch)
    assert api.run(lambda store: store.ship(second)) == Shipped(len(batch), 0, 0)
    assert api.backend.misplaced(batch) == []


def test_the_same_batch_from_two_at_once_is_stored_once(api: Api) -> None:
    whole = journal_of(finished([round_trip(str(number)) for number in range(60)]))

    async def race(store: SupabaseStore, batch: JournalBatch) -> list[Shipped]:
        return await asyncio.gather(*(store.ship(batch) for _ in range(4)))

    # At the beginning of a journal, and where there is a cursor already.
    for batch in split(whole, [len(whole) // 2]):
        answers = api.run(lambda store, batch=batch: race(store, batch))
        assert {answer.last_seq for answer in answers} == {batch.seqs[-1]}
        assert sorted(answer.events for answer in answers) == [0, 0, 0, len(batch)]
    assert api.backend.misplaced(whole) == []


def test_candles_sent_twice_are_there_once(api: Api) -> None:
    candles = [candle(NOON + timedelta(minutes=number)) for number in range(2500)]
    api.run(lambda store: store.put_candles(candles), LostAnswer(), Answer(503))
    assert len(api.gateway.requests) == 5
    assert api.run(lambda store: store.last_candles("BTC-USDT", Timeframe.MINUTE, 9999, "polygon")) == candles


def test_a_lease_whose_answer_was_lost_is_had_by_its_last_token(api: Api) -> None:
    lease = api.run(lambda store: SupabaseLeases(store._api).acquire("account", "one", 600), LostAnswer())
    assert lease == Lease("account", "one", token=2)
    assert api.run(lambda store: SupabaseLeases(store._api).renew(lease, 600), LostAnswer(), Answer(503)) is True
    assert api.run(lambda store: SupabaseLeases(store._api).acquire("account", "two", 600)) is None


def test_nothing_is_deleted_without_a_filter(api: Api) -> None:
    api.run(lambda store: store.put_candles([candle(NOON)]))
    with pytest.raises(StoreError, match="a delete without a filter would empty it"):
        api.run(lambda store: store._delete("ohlc_data"))
    assert api.gateway.requests == []
    assert api.run(lambda store: store.last_candles("BTC-USDT", Timeframe.MINUTE, 9, "polygon")) == [candle(NOON)]


def test_every_delete_that_is_sent_has_its_four_bounds(api: Api) -> None:
    api.run(lambda store: store.delete_candles("BTC-USDT", Timeframe.MINUTE, NOON, NOON))
    (query,) = api.gateway.queries
    assert set(query) == {"symbol", "timeframe", "timestamp"}
    assert len(query.getall("timestamp")) == 2


def test_a_server_that_gives_less_than_asked_is_asked_until_it_gives_nothing(
    supabase: Backend, databases: Databases, runner: asyncio.Runner
) -> None:
    """The cap is the server's, and it does not tell: a page shorter than the page asked for is not the last."""
    events = [event for number in range(30) for event in TradeBuilder(f"open-{number:02}").open().events]
    for number in range(30):
        events += of_strategy(round_trip(f"closed-{number:02}"), f"strategy-{number:02}")
    events += [signal(f"refused-{number:02}", reason="cooldown") for number in range(3)]
    ship_all(supabase, journal_of(events))
    candles = [candle(NOON + timedelta(minutes=number)) for number in range(50)]
    others = [candle(NOON, symbol=f"COIN{number}-USDT") for number in range(20)]
    newest = {other.symbol: NOON for other in others} | {"BTC-USDT": candles[-1].opened_at}
    supabase.run(supabase.store.put_candles([*candles, *others]))
    with ExitStack() as stack:
        assert supabase.url is not None
        postgrest = PostgRest(databases.folder / "stingy", supabase.url, max_rows=7)
        stack.callback(postgrest.stop)

        async def read() -> tuple[int, ...]:
            await postgrest.start()
            async with SupabaseGateway(postgrest.socket) as gateway:
                store = await SupabaseStore.connect(gateway.url, gateway.secret_key)
                signals = {row.signal_id async for row in store.signals(*ALWAYS)}
                positions = {row.executor_id async for row in store.open_positions()}
                strategies = {row.strategy for row in await store.pnl_by_strategy(*ALWAYS)}
                assert await store.last_candles("BTC-USDT", Timeframe.MINUTE, 40, "polygon") == candles[-40:]
                assert await store.last_opened("polygon", Timeframe.MINUTE) == newest
                deleted = await store.delete_candles("BTC-USDT", Timeframe.MINUTE, *ALWAYS)
                await store.close()
                return len(signals), len(positions), len(strategies), deleted

        assert runner.run(read()) == (63, 30, 30, 50)


def test_closing_closes_every_connection(api: Api) -> None:
    async def use() -> bool:
        store = await api.connect()
        await asyncio.gather(*(store.cursor(JOURNAL) for _ in range(3)))
        await store.close()
        return store._api._session.is_closed

    assert api.backend.run(use())
