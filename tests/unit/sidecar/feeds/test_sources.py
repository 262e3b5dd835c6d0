"""Which sources a home has, at which addresses."""

import asyncio
import random
from typing import Any

import pytest

from shared.adapters.settings_file import read_yaml
from shared.sidecar.feed_config import FeedsConfig
from shared.sidecar.feeds.sources import Sources, open_sources
from shared.wire.stream import Connect
from tests.conftest import CHECKOUT, VirtualRun

KEYS = {"POLYGON_API_KEY": "a-key", "COINGECKO_API_KEY": "another"}
VENUE = {"RECOVERY_VENUE_URL": "http://127.0.0.1:9/"}


def config(**changes: Any) -> FeedsConfig:
    return FeedsConfig.model_validate(read_yaml(CHECKOUT / "conf" / "sidecar.yml")["feeds"] | changes)


def opened(environment: dict[str, str], **changes: Any) -> Sources:
    return open_sources(config(**changes), environment, random.Random(1))


async def stream_urls(sources: Sources) -> dict[str, str]:
    """Where each stream connects to."""
    urls = {}
    for name, source in sources.bars.items():
        actions = source.stream.want(frozenset({"BTC-USD", "BTC-USDT"}), asyncio.get_running_loop().time())
        urls[name] = next(action.url for action in actions if isinstance(action, Connect))
    await sources.close()
    return urls


def test_without_a_key_polygon_is_left_out_and_why_is_said(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        sources = opened({})
        assert list(sources.bars) == ["binance"]
        assert sources.left_out == {"polygon": "POLYGON_API_KEY is not set"}
        assert sources.prices is not None
        assert (await stream_urls(sources))["binance"].startswith("wss://stream.binance.com:9443/")

    run_virtual(use())


def test_with_a_key_polygon_comes_in_its_place_and_counts_by_it(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        sources = opened(KEYS)
        assert list(sources.bars) == ["polygon", "binance"]
        assert [source.account_key for source in sources.bars.values()] == ["a-key", None]
        assert sources.left_out == {}
        assert (await stream_urls(sources))["polygon"].startswith("wss://socket.massive.com/")

    run_virtual(use())


def test_a_local_venue_stands_for_every_source_and_needs_no_key(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        sources = opened(VENUE)
        assert list(sources.bars) == ["polygon", "binance"]
        for name, url in (await stream_urls(sources)).items():
            assert url.startswith(f"ws://127.0.0.1:9/{'polygon' if name == 'polygon' else 'spot'}")

    run_virtual(use())


def test_the_order_is_that_of_the_configuration(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        sources = opened(KEYS, sources=["binance", "polygon"])
        assert list(sources.bars) == ["binance", "polygon"]
        assert sources.prices is None
        await sources.close()
        only = opened(KEYS, sources=["coingecko"])
        assert (only.bars, only.left_out) == ({}, {})
        await only.close()

    run_virtual(use())


@pytest.mark.parametrize("environment", [KEYS, VENUE])
def test_no_key_is_shown(run_virtual: VirtualRun, environment: dict[str, str]) -> None:
    async def use() -> None:
        sources = opened(environment)
        shown = repr(sources)
        await sources.close()
        assert "a-key" not in shown
        assert "another" not in shown

    run_virtual(use())
