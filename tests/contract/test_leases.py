"""Leases of every store: one holder at a time, a greater token each time, by the store's own clock."""

import asyncio
from dataclasses import replace

import pytest

from shared.domain.lease import Lease
from tests.store_backends import DATABASES, Backend

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

LONG_S = 600.0
# So short that it is over before the next question.
OVER_S = 0.0


def acquired(backend: Backend, holder: str, ttl_s: float = LONG_S, account: str = "account") -> Lease:
    lease = backend.run(backend.leases.acquire(account, holder, ttl_s))
    assert lease is not None
    assert (lease.account, lease.holder) == (account, holder)
    return lease


def test_one_holder_has_it_at_a_time(backend: Backend) -> None:
    lease = acquired(backend, "one")
    assert backend.run(backend.leases.acquire("account", "two", LONG_S)) is None
    assert backend.run(backend.leases.renew(lease, LONG_S)) is True
    acquired(backend, "two", account="another account")


def test_what_ran_out_is_anybodys(backend: Backend) -> None:
    first = acquired(backend, "one", OVER_S)
    second = acquired(backend, "two")
    assert second.token > first.token
    assert backend.run(backend.leases.renew(first, LONG_S)) is False
    assert backend.run(backend.leases.renew(second, LONG_S)) is True


def test_what_ran_out_is_not_renewed_even_if_nobody_took_it(backend: Backend) -> None:
    lease = acquired(backend, "one", OVER_S)
    assert backend.run(backend.leases.renew(lease, LONG_S)) is False


def test_a_renewal_may_make_it_shorter(backend: Backend) -> None:
    lease = acquired(backend, "one")
    assert backend.run(backend.leases.renew(lease, OVER_S)) is True
    acquired(backend, "two")


def test_of_two_leases_of_one_holder_the_newer_one_counts(backend: Backend) -> None:
    older, newer = acquired(backend, "one"), acquired(backend, "one")
    assert newer.token > older.token
    assert backend.run(backend.leases.renew(older, LONG_S)) is False
    backend.run(backend.leases.release(older))
    assert backend.run(backend.leases.acquire("account", "two", LONG_S)) is None, "a late release frees nothing"
    assert backend.run(backend.leases.renew(newer, LONG_S)) is True


def test_what_is_released_is_anybodys_at_once(backend: Backend) -> None:
    lease = acquired(backend, "one")
    backend.run(backend.leases.release(lease))
    assert backend.run(backend.leases.renew(lease, LONG_S)) is False
    assert acquired(backend, "two").token > lease.token
    backend.run(backend.leases.release(replace(lease, account="unknown")))


@pytest.mark.parametrize("backend", DATABASES, indirect=True)
def test_of_many_at_once_one_gets_it(backend: Backend) -> None:
    async def ask_all(ttl_s: float) -> list[Lease]:
        asked = (backend.leases.acquire("account", f"holder {number}", ttl_s) for number in range(12))
        return [lease for lease in await asyncio.gather(*asked) if lease is not None]

    # Where there is no row yet, and where there is one that ran out.
    (first,) = backend.run(ask_all(LONG_S))
    assert backend.run(backend.leases.renew(first, OVER_S))
    (second,) = backend.run(ask_all(LONG_S))
    assert second.token == first.token + 1


@pytest.mark.parametrize("backend", DATABASES, indirect=True)
def test_a_lease_begins_when_it_is_given_not_when_it_was_asked_for(backend: Backend) -> None:
    """One who waits for another's transaction would otherwise get a lease that has run for as long as it waited."""
    lease = acquired(backend, "one", OVER_S)
    assert backend.url is not None
    lock = "BEGIN; SELECT FROM feed_lease FOR UPDATE; SELECT pg_sleep(1); COMMIT"

    async def wait_for_it() -> float:
        waiting = asyncio.create_task(asyncio.to_thread(backend_execute, backend.url, lock))
        await asyncio.sleep(0.3)
        assert await backend.leases.acquire("account", "two", 100.0) is not None
        await waiting
        return 0.0

    backend.run(wait_for_it())
    assert lease.token == 1
    ((left,),) = backend.fetch("SELECT extract(epoch FROM expires_at - clock_timestamp())::float FROM feed_lease")
    assert 99.5 < left <= 100, "the wait is not taken off"


def backend_execute(url: str, statements: str) -> None:
    from tests.store_backends import _execute

    asyncio.run(_execute(url, statements))
