"""The store by the API tries again what passes, within bounds; what does not pass it tells at once."""

import re
import socket
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from shared.adapters import supabase_api
from shared.adapters.postgres.connection import DiskFull, SchemaMissing
from shared.adapters.supabase_api import SupabaseApi
from shared.ports import StoreError, StoreUnavailable, ValuesRefused
from tests.contract.supabase_clients import Api
from tests.store_backends import JOURNAL, journal_of
from tests.supabase_gateway import Answer, Fault, LostAnswer, Silence
from tests.unit.domain.generated_runs import finished, round_trip

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

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
        (Answer(400, {"code": "22P02", "message": "invalid input syntax"}), ValuesRefused, "invalid input syntax"),
        (Answer(400, {"code": "23514", "message": "violates check"}), ValuesRefused, "violates check"),
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
