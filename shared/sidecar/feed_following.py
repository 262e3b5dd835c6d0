"""Opens what the feeds of a home need, and closes it in the order that loses nothing."""

import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.candle_outbox import CandleOutbox
from shared.ports import StoreError
from shared.sidecar.config import SidecarConfigError
from shared.sidecar.database import OpenStore
from shared.sidecar.feed_config import FeedsConfig
from shared.sidecar.feeds.feeds import Feeds
from shared.sidecar.feeds.sources import Sources, open_sources
from shared.sidecar.lease import LEASE_CARE, LeaseService, account_of, new_holder
from shared.sidecar.services import Service, Watched

OUTBOX = "data/candle_outbox.sqlite"


@dataclass(frozen=True)
class Following:
    """The feeds of a home, with all that runs for them."""

    feeds: Feeds
    services: tuple[Service | Watched, ...]


@asynccontextmanager
async def follow_feeds(
    home: Path, config: FeedsConfig, opened: OpenStore, said: Callable[[str], None]
) -> AsyncIterator[Following]:
    """The feeds, not running yet. Its end comes after that of its services.

    Raises:
        SidecarConfigError: No configured source has candles.
        OutboxError: The file for candles on their way cannot be opened.
    """
    sources = open_sources(config, os.environ, random.Random())
    for name, reason in sources.left_out.items():
        said(f"{name}: left out: {reason}")
    if not sources.bars:
        raise SidecarConfigError(
            f"feeds.sources = {', '.join(config.sources)}: none of them has candles here; add binance, or set "
            "services.feeds: false"
        )
    async with AsyncExitStack() as held:
        outbox = held.enter_context(closing(CandleOutbox(home / OUTBOX)))
        feeds = Feeds(home.name, config, sources, outbox, opened.store, said)
        leases = _leases(home, sources, feeds, opened)
        # Whatever fails before it, a connection that is closed gives its lease back.
        for lease in leases:
            held.push_async_callback(_give_back, lease, said)
        held.push_async_callback(feeds.close)
        yield Following(feeds, (*feeds.services, *(Watched(lease, LEASE_CARE) for lease in leases)))


def _leases(home: Path, sources: Sources, feeds: Feeds, opened: OpenStore) -> list[LeaseService]:
    """One for each source that counts connections by account, held while the home follows anything."""
    return [
        LeaseService(
            opened.leases,
            account_of(source.account_key),
            new_holder(home.name),
            feeds.lines[name].streaming.allow,
            is_needed=lambda: bool(feeds.wanted.pairs),
        )
        for name, source in sources.bars.items()
        if source.account_key is not None
    ]


async def _give_back(lease: LeaseService, said: Callable[[str], None]) -> None:
    try:
        await lease.close()
    except (StoreError, TimeoutError) as error:
        said(f"{lease.name}: not given back, it runs out by itself: {error}")
