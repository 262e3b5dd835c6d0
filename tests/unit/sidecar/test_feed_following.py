"""The feeds of a home: what is opened, who holds a lease, and an end that loses nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.candle_outbox import CandleOutbox, OutboxError
from shared.adapters.memory_leases import MemoryLeases
from shared.adapters.memory_store import MemoryStore
from shared.adapters.settings_file import read_yaml
from shared.domain.bar_ledger import Outcome, Settled
from shared.ports import StoreUnavailable
from shared.sidecar.config import SidecarConfigError
from shared.sidecar.database import OpenStore
from shared.sidecar.feed_config import FeedsConfig
from shared.sidecar.feed_following import OUTBOX, Following, follow_feeds
from shared.sidecar.lease import LEASE_CARE, LeaseService, account_of
from shared.sidecar.services import Watched
from tests.conftest import CHECKOUT, VirtualRun
from tests.unit.sidecar.feeds.feed_samples import bar

KEY = "a-key"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RECOVERY_VENUE_URL", "COINGECKO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("POLYGON_API_KEY", KEY)


def config(**changes: Any) -> FeedsConfig:
    """The shipped settings, with a pair to follow: without one nobody needs a lease."""
    shipped = read_yaml(CHECKOUT / "conf" / "sidecar.yml")["feeds"]
    return FeedsConfig.model_validate(shipped | {"pairs": ["BTC-USDT"]} | changes)


class Leases(MemoryLeases):
    """Leases that may be away when one is given back."""

    is_away = False

    async def release(self, lease: Any) -> None:
        if self.is_away:
            raise StoreUnavailable("the store: away")
        await super().release(lease)


def lease_of(following: Following) -> LeaseService:
    """The one lease service among its services."""
    (watched,) = (each for each in following.services if isinstance(each, Watched) and each.care is LEASE_CARE)
    assert isinstance(watched.service, LeaseService)
    return watched.service


async def following(
    home: Path, leases: Leases, said: Callable[[str], None], meanwhile: Callable[[Following], Any]
) -> None:
    """Follow with the lease held, and end."""
    async with follow_feeds(home, config(), OpenStore(MemoryStore(), leases), said) as found:
        await lease_of(found).step()
        assert await leases.acquire(account_of(KEY), "another", 15) is None
        meanwhile(found)


def test_an_end_keeps_what_settled_and_gives_the_lease_back(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        leases = Leases()
        settled = [Settled(bar(0), Outcome.NEW, 0)]
        await following(
            tmp_path, leases, pytest.fail, lambda found: found.feeds.settled("binance", "BTC-USDT", settled)
        )
        assert await leases.acquire(account_of(KEY), "another", 15) is not None
        assert CandleOutbox(tmp_path / OUTBOX).waiting == 1

    run_virtual(use())


def test_the_lease_is_given_back_even_where_what_settled_cannot_be_kept(
    run_virtual: VirtualRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use() -> None:
        leases = Leases()
        with pytest.raises(OutboxError):
            await following(tmp_path, leases, pytest.fail, spoil)
        assert await leases.acquire(account_of(KEY), "another", 15) is not None

    def spoil(found: Following) -> None:
        def full(_: CandleOutbox, __: Any) -> None:
            raise OutboxError("the disk: no space left")

        monkeypatch.setattr(CandleOutbox, "append", full)
        found.feeds.settled("binance", "BTC-USDT", [Settled(bar(0), Outcome.NEW, 0)])

    run_virtual(use())


def test_a_lease_that_cannot_be_given_back_runs_out_and_is_said(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        leases, said = Leases(), list[str]()
        leases.is_away = True
        await following(tmp_path, leases, said.append, lambda _: None)
        assert said == ["lease: not given back, it runs out by itself: the store: away"]
        await asyncio.sleep(15)
        assert await leases.acquire(account_of(KEY), "another", 15) is not None

    run_virtual(use())


def test_without_the_lease_its_source_may_not_connect(
    run_virtual: VirtualRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use() -> None:
        leases = Leases()
        await leases.acquire(account_of(KEY), "another", 15)
        async with follow_feeds(tmp_path, config(), OpenStore(MemoryStore(), leases), pytest.fail) as found:
            allowed: list[bool] = []
            lease = lease_of(found)
            monkeypatch.setattr(lease, "_allowed", allowed.append)
            await lease.step()
            assert allowed == []
            await asyncio.sleep(16)
            await lease.step()
            assert allowed == [True]

    run_virtual(use())


def test_a_source_without_its_key_is_left_out_and_has_no_lease(
    run_virtual: VirtualRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POLYGON_API_KEY")

    async def use() -> None:
        said: list[str] = []
        async with follow_feeds(tmp_path, config(), OpenStore(MemoryStore(), Leases()), said.append) as found:
            assert list(found.feeds.books) == ["binance"]
            assert not any(isinstance(each, Watched) and each.care is LEASE_CARE for each in found.services)
        assert said == ["polygon: left out: POLYGON_API_KEY is not set"]
        with pytest.raises(SidecarConfigError) as raised:
            async with follow_feeds(
                tmp_path, config(sources=["polygon", "coingecko"]), OpenStore(MemoryStore(), Leases()), said.append
            ):
                pytest.fail("there is nothing to follow")
        assert str(raised.value) == (
            "feeds.sources = polygon, coingecko: none of them has candles here; add binance, or set services.feeds: false"
        )

    run_virtual(use())
