"""Fixtures of the bot's tests."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.data_feed.market_data_provider import MarketDataProvider

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.simulator.virtual_time import VirtualClock, virtual_time
from tests.unit.bot.fake_exchange import START_S


@pytest.fixture
def taken() -> Iterator[session.Session]:
    """The session of this process for one test, without overall limits."""
    before = session._current
    yield session.begin(None, MemoryJournal())
    session._current = before


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    """A clock that stands still unless told to jump; a session begun meanwhile does not stay."""
    before = session._current
    with virtual_time(VirtualClock(START_S, None)) as found:
        yield found
    session._current = before


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """What a strategy needs around it: a database that keeps nothing, feeds that stay silent, a journal of its own.

    The session a strategy begins meanwhile does not stay.

    Returns:
        The journal's file.
    """
    recorder = SimpleNamespace(
        get_all_executors=list,
        get_all_positions=list,
        store_controller_config=lambda config: None,
        store_or_update_executor=lambda executor: None,
        store_position=lambda position: None,
        update_or_store_position=lambda position: None,
    )
    monkeypatch.setattr(MarketsRecorder, "_shared_instance", recorder)
    for name in ("initialize_rate_sources", "initialize_candles_feed"):
        monkeypatch.setattr(MarketDataProvider, name, lambda self, wanted: None)
    journal = tmp_path / "journal.sqlite"
    monkeypatch.setattr(session, "journal_path", lambda: journal)
    before = session._current
    yield journal
    if session._current is not None and session._current is not before:
        session._current.journal.close()
    session._current = before
