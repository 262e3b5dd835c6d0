"""The store by the API takes a project's address and a key that may write, and repeats the key to nobody."""

import asyncio

import pytest

from shared.adapters.supabase_store import SupabaseStore
from shared.domain.shipping import Shipped
from shared.ports import StoreError, StoreUnavailable
from tests.contract.supabase_clients import Api
from tests.store_backends import RUN, journal_of
from tests.supabase_gateway import Answer, legacy_key
from tests.unit.domain.generated_runs import finished, round_trip

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


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


def test_a_key_the_server_repeats_is_not_passed_on(api: Api) -> None:
    assert "[key]" in str(api.refusal(Answer(400, {"message": f"what is {api.gateway.secret_key}?"})))
