"""The store by the API: its keys, its patience, and what it must not take for an answer."""

import asyncio
import re
import socket
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from shared.adapters import supabase_api
from shared.adapters.postgres.connection import DiskFull, SchemaMissing
from shared.adapters.supabase_api import SupabaseApi
from shared.adapters.supabase_store import SupabaseStore
from shared.domain.shipping import JournalBatch, Shipped
from shared.domain.stored import StoredCandle, Timeframe
from shared.ports import StoreError, StoreUnavailable
from tests.store_backends import JOURNAL, RUN, Backend, Databases, journal_of, ship_all, split
from tests.supabase_gateway import Answer, Fault, LostAnswer, PostgRest, Silence, SupabaseGateway, legacy_key
from tests.unit.domain.generated_runs import TradeBuilder, finished, round_trip, signal

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
PRICE = Decimal(10)
CANDLE = StoredCandle("BTC-USDT", Timeframe.MINUTE, NOON, PRICE, PRICE, PRICE, PRICE, Decimal(0), "polygon", "USDT")


class Api:
    """A gateway before the real PostgREST, and stores that speak with it and note each pause."""

    def __init__(self, backend: Backend) -> None:
        assert backend.gateway is not None
        self.backend = backend
        self.gateway: SupabaseGateway = backend.gateway
        self.pauses_s: list[float] = []

    async def connect(self, key: str | None = None, url: str | None = None) -> SupabaseStore:
        async def pause(seconds: float) -> None:
            self.pauses_s.append(seconds)

        return SupabaseStore(await SupabaseApi.connect(url or self.gateway.url, key or self.gateway.secret_key, pause))

    def run[T](self, work: Callable[[SupabaseStore], Coroutine[Any, Any, T]], *faults: Fault, key: str = "") -> T:
        """What a store of its own comes to while the gateway has these faults."""

        async def use() -> T:
            store = await self.connect(key)
            try:
                return await work(store)
            finally:
                await store.close()

        self.gateway.faults.extend(faults)
        self.gateway.requests.clear()
        self.gateway.queries.clear()
        return self.backend.run(use())

    def refusal(self, *faults: Fault, key: str = "") -> StoreError:
        """The error a request ends with: one sentence without the key."""
        with pytest.raises(StoreError) as caught:
            self.run(lambda store: store.cursor(JOURNAL), *faults, key=key)
        message = str(caught.value)
        assert "\n" not in message
        assert (key or self.gateway.secret_key) not in message
        return caught.value


@pytest.fixture
def api(supabase: Backend) -> Api:
    return Api(supabase)


# Keys ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["new", "legacy"])
def test_both_kinds_of_secret_key_may_ship_and_read(api: Api, kind: str) -> None:
    key = api.gateway.secret_key if kind == "new" else legacy_key("service_role")
    batch = journal_of(finished([round_trip()]))
    assert api.run(lambda store: store.ship(batch), key=key) == Shipped(len(batch), len(batch), 0)
    assert api.run(lambda store: store.counts(RUN), key=key).trades == 1


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sb_publishable_0123456789", "is a publishable key"),
        (legacy_key("anon"), "is a key of the role anon"),
        (legacy_key("authenticated"), "is a key of the role authenticated"),
        ("postgresql://postgres:secret@db", "is no key of Supabase"),
        ("a.b.c", "is no key of Supabase"),
        (legacy_key("anon").replace(".", ".é"), "is no key of Supabase"),
        ("", "is no key of Supabase"),
    ],
)
def test_a_key_that_may_not_write_is_refused_before_anything_is_sent(key: str, said: str) -> None:
    with pytest.raises(StoreError, match=rf"^SUPABASE_SECRET_KEY: {said}[^\n]*$") as caught:
        asyncio.run(SupabaseStore.connect("https://project.supabase.co", key))
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "project.supabase.co",
        "postgresql://postgres@db.supabase.co/postgres",
        "https://project.supabase.co/rest/v1",
        "https://user:sb_secret_1@project.supabase.co",
        "https://[project",
        "https://project:http",
        "sb_secret_1",
    ],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(StoreError, match=r"^SUPABASE_URL: must be the project's address alone") as caught:
        asyncio.run(SupabaseStore.connect(url, "sb_secret_1"))
    assert "sb_secret" not in str(caught.value)


@pytest.mark.parametrize("limit", [499, 1001])
def test_a_batch_limit_outside_its_bounds_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="must be 500 to 1000"):
        asyncio.run(SupabaseStore.connect("https://project.supabase.co", "sb_secret_1", limit))


def test_a_key_the_gateway_does_not_know_is_refused_at_once(api: Api) -> None:
    error = api.refusal(key="sb_secret_of_another_project")
    assert not isinstance(error, StoreUnavailable)
    assert "SUPABASE_SECRET_KEY was refused: Invalid API key (status 401)" in str(error)
    assert api.gateway.requests == ["GET /journal_cursor"]


def test_a_legacy_key_signed_by_nobody_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = legacy_key("service_role")[:-6] + "AAAAAA"
    # A gateway that knows it: PostgREST itself must refuse the signature.
    monkeypatch.setitem(api.gateway.tokens, forged, forged)
    error = api.refusal(key=forged)
    assert "SUPABASE_SECRET_KEY was refused" in str(error)
    assert api.gateway.requests == ["GET /journal_cursor"]


# Patience --------------------------------------------------------------------------------------------------------------

PASSING = [
    Answer(503, {"message": "upstream"}),
    Answer(500, "<html>", {"Content-Type": "text/html"}),
    Answer(502),
    Answer(504, {"code": "PGRST003", "message": "Timed out acquiring connection from connection pool."}),
    Answer(500, {"code": "57014", "message": "canceling statement due to statement timeout"}),
    Answer(500, {"code": "40P01", "message": "deadlock detected"}),
    Answer(429),
    LostAnswer(),
]


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_what_passes_is_tried_again_for_reads_and_for_writes(api: Api, fault: Fault) -> None:
    assert api.run(lambda store: store.cursor(JOURNAL), fault) == 0
    assert api.gateway.requests == ["GET /journal_cursor"] * 2
    batch = journal_of(finished([round_trip()]))
    assert api.run(lambda store: store.ship(batch), fault).last_seq == len(batch)
    assert api.gateway.requests == ["POST /rpc/ship_journal"] * 2
    assert api.backend.misplaced(batch) == []


def test_patience_ends_and_pauses_grow(api: Api) -> None:
    error = api.refusal(*[Answer(503, {"message": "the pool is empty"})] * 9)
    assert isinstance(error, StoreUnavailable)
    assert str(error).endswith("cannot be reached: the pool is empty (status 503); given up at attempt 5")
    assert len(api.gateway.requests) == 5
    assert len(api.pauses_s) == 4
    # The client has retries of its own, for reads whose connection breaks: they would multiply with ours.
    api.refusal(*[LostAnswer()] * 5)
    assert len(api.gateway.requests) == 5
    for pause_s, at_most_s in zip(api.pauses_s, (0.5, 1, 2, 4) * 2, strict=True):
        assert at_most_s / 2 <= pause_s <= at_most_s


def test_a_gateway_that_is_down_is_unavailable_after_bounded_attempts(api: Api) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"

        async def ask() -> int:
            store = await api.connect(url=url)
            try:
                return await store.cursor(JOURNAL)
            finally:
                await store.close()

        with pytest.raises(
            StoreUnavailable, match=rf"^{re.escape(url)}: cannot be reached: .*; given up at attempt 5$"
        ):
            api.backend.run(ask())
    assert len(api.pauses_s) == 4


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supabase_api, "_TIMEOUT", httpx.Timeout(0.1))
    assert api.run(lambda store: store.cursor(JOURNAL), Silence()) == 0
    assert isinstance(api.refusal(*[Silence()] * 5), StoreUnavailable)


def test_a_server_is_not_asked_before_it_wants_to_be(api: Api) -> None:
    assert api.run(lambda store: store.cursor(JOURNAL), Answer(429, headers={"Retry-After": "7"})) == 0
    assert api.pauses_s == [7.0]
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert api.run(lambda store: store.cursor(JOURNAL), Answer(503, headers={"Retry-After": at})) == 0
    assert 15 < api.pauses_s[1] <= 20
    assert api.run(lambda store: store.cursor(JOURNAL), Answer(503, headers={"Retry-After": "soon"})) == 0
    assert api.pauses_s[2] <= 0.5


def test_a_server_that_asks_for_more_patience_than_there_is_gets_it_from_the_caller(api: Api) -> None:
    error = api.refusal(Answer(429, {"message": "slow down"}, {"Retry-After": "3600"}))
    assert isinstance(error, StoreUnavailable)
    assert api.pauses_s == []


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (Answer(400, {"code": "22P02", "message": "invalid input syntax"}), StoreError, "invalid input syntax"),
        (Answer(500, {"code": "XX000", "message": "a defect"}), StoreError, "a defect"),
        (Answer(403, {"code": "42501", "message": "permission denied"}), StoreError, "was refused: permission denied"),
        (Answer(404, {"code": "PGRST202", "message": "no function"}), SchemaMissing, "run recovery db migrate"),
        (Answer(404, {"code": "PGRST205", "message": "no table"}), SchemaMissing, "run recovery db migrate"),
        (Answer(404, {"code": "42P01", "message": "no table"}), SchemaMissing, "run recovery db migrate"),
        (Answer(400, {"code": "42703", "message": "no column"}), SchemaMissing, "run recovery db migrate"),
        (Answer(503, {"code": "53100", "message": "no space left"}), DiskFull, "disk is full"),
        (Answer(404, ["no", "PostgREST"]), StoreError, "Not Found (status 404)"),
        (Answer(302, headers={"Location": "https://example.org"}), StoreError, "Found (status 302)"),
        (Answer(200, "<html>", {"Content-Type": "text/html"}), StoreError, "no list of rows"),
        (Answer(200, {"rows": []}), StoreError, "no list of rows"),
        (Answer(400, {"message": "two\nlines"}), StoreError, "two (status 400)"),
    ],
    ids=str,
)
def test_what_does_not_pass_is_told_at_once(api: Api, answer: Answer, kind: type[StoreError], said: str) -> None:
    error = api.refusal(answer)
    assert type(error) is kind
    assert said in str(error)
    assert len(api.gateway.requests) == 1


@pytest.mark.parametrize("body", [b"", b'[{"last_seq": 1', b"<html>"])
def test_an_answer_cut_short_is_not_taken_for_no_rows(api: Api, body: bytes) -> None:
    error = api.refusal(Answer(200, body))
    assert "no answer of the API (status 200)" in str(error)


def test_a_key_the_server_repeats_is_not_passed_on(api: Api) -> None:
    assert "[key]" in str(api.refusal(Answer(400, {"message": f"what is {api.gateway.secret_key}?"})))


def test_a_function_and_a_table_that_are_not_there_ask_for_the_migrations(api: Api) -> None:
    async def use(work: Callable[[SupabaseApi], Coroutine[Any, Any, Any]]) -> None:
        real = await SupabaseApi.connect(api.gateway.url, api.gateway.secret_key)
        try:
            await work(real)
        finally:
            await real.close()

    for work in (
        lambda real: real.send(lambda to: to.rpc("ship_diary", {})),
        lambda real: real.send(lambda to: to.table("diary").select("*")),
        lambda real: real.send(lambda to: to.table("signals").select("mood")),
    ):
        with pytest.raises(SchemaMissing, match=r"run recovery db migrate$"):
            api.backend.run(use(work))


# Exactly once ----------------------------------------------------------------------------------------------------------


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
    candles = [replace(CANDLE, opened_at=NOON + timedelta(minutes=number)) for number in range(2500)]
    api.run(lambda store: store.put_candles(candles), LostAnswer(), Answer(503))
    assert len(api.gateway.requests) == 5
    assert api.run(lambda store: store.last_candles("BTC-USDT", Timeframe.MINUTE, 9999)) == candles


# Whole and no more -----------------------------------------------------------------------------------------------------


def test_nothing_is_deleted_without_a_filter(api: Api) -> None:
    api.run(lambda store: store.put_candles([CANDLE]))
    with pytest.raises(StoreError, match="a delete without a filter would empty it"):
        api.run(lambda store: store._delete("ohlc_data"))
    assert api.gateway.requests == []
    assert api.run(lambda store: store.last_candles("BTC-USDT", Timeframe.MINUTE, 9)) == [CANDLE]


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
        strategy = f"strategy-{number:02}"
        trade = round_trip(f"closed-{number:02}").events
        events += [replace(trade[0], strategy=strategy), *trade[1:]]
    events += [signal(f"refused-{number:02}", reason="cooldown") for number in range(3)]
    ship_all(supabase, journal_of(events))
    candles = [replace(CANDLE, opened_at=NOON + timedelta(minutes=number)) for number in range(50)]
    supabase.run(supabase.store.put_candles(candles))
    with ExitStack() as stack:
        assert supabase.url is not None
        postgrest = PostgRest(databases.folder / "stingy", supabase.url, max_rows=7)
        stack.callback(postgrest.stop)

        async def read() -> tuple[int, ...]:
            await postgrest.start()
            async with SupabaseGateway(postgrest.socket) as gateway:
                store = await SupabaseStore.connect(gateway.url, gateway.secret_key)
                always = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
                signals = {row.signal_id async for row in store.signals(*always)}
                positions = {row.executor_id async for row in store.open_positions()}
                strategies = {row.strategy for row in await store.pnl_by_strategy(*always)}
                assert await store.last_candles("BTC-USDT", Timeframe.MINUTE, 40) == candles[-40:]
                deleted = await store.delete_candles("BTC-USDT", Timeframe.MINUTE, *always)
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
