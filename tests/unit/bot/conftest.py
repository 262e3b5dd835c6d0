"""Fixtures of the bot's tests."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hummingbot.client import settings
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.data_feed.market_data_provider import MarketDataProvider

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.simulator.virtual_time import VirtualClock, virtual_time
from tests.unit.bot.fake_exchange import START_S
from tests.unit.bot.script_bench import STRATEGY_FILE, write_strategy
from tests.unit.bot.session_samples import LIMITS


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
def under_limits(clock: VirtualClock) -> session.Session:
    """A session under overall limits, its journal in memory."""
    return session.Session(MemoryJournal(), LIMITS)


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


@pytest.fixture
def strategy_file(host: Path) -> Iterator[Path]:
    """A strategy file of the home for one test."""
    path = Path(settings.CONTROLLERS_CONF_DIR_PATH) / STRATEGY_FILE
    write_strategy(path)
    yield path
    path.unlink()


@pytest.fixture
def phase2_file() -> Iterator[Path]:
    """The strategy file of phase 2, put back afterwards."""
    path = Path(settings.CONTROLLERS_CONF_DIR_PATH) / "recovery_dca_phase2.yml"
    text = path.read_text()
    yield path
    path.write_text(text)
