"""Around Hummingbot's console: keys are asked for only where there are some. Its screen is in tests/acceptance."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hummingbot.client.config.security import Security

from shared.bot import console
from shared.bot.console import Console, log_in
from shared.wire.config_errors import ConfigError
from tests.conftest import VirtualRun


@pytest.fixture(autouse=True)
def _security(monkeypatch: pytest.MonkeyPatch, bot_home: Path) -> Iterator[None]:
    """Nobody is logged in, before and after, and no password stays behind."""
    monkeypatch.delenv("CONFIG_PASSWORD", raising=False)
    monkeypatch.setattr(Security, "secrets_manager", None)
    monkeypatch.setattr(Security, "decrypt_all", lambda: None)
    yield
    (bot_home / "conf" / ".password_verification").unlink(missing_ok=True)


def test_where_there_are_no_keys_no_password_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def prompt(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a password was asked for")

    monkeypatch.setattr(console, "login_prompt", prompt)
    assert log_in(None)


@pytest.mark.parametrize("answered", [True, False])
def test_where_there_are_keys_the_trader_is_asked(answered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "list_connector_configs", lambda: ["binance.yml"])
    monkeypatch.setattr(console, "load_style", lambda config: None)
    monkeypatch.setattr(console, "login_prompt", lambda *args, **kwargs: object() if answered else None)
    assert log_in(None) is answered


def test_the_environments_password_is_stored_once_and_then_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_PASSWORD", "right")
    assert log_in(None)
    assert log_in(None)
    monkeypatch.setenv("CONFIG_PASSWORD", "wrong")
    with pytest.raises(ConfigError, match="CONFIG_PASSWORD: is not the password this home's keys were stored with"):
        log_in(None)


class Stand:
    """What the console's watch looks at."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self._market_ended: asyncio.Event | None = None
        self.told: list[str] = []
        self.stopped = 0
        strategy = SimpleNamespace(session=SimpleNamespace(failure=failure))
        self.trading_core = SimpleNamespace(strategy=strategy, _strategy_running=True)

    def _has_ended(self) -> bool:
        return Console._has_ended(self)

    def notify(self, message: str) -> None:
        self.told.append(message)

    async def stop_loop(self) -> None:
        self.stopped += 1
        self.trading_core._strategy_running = False


def test_a_hole_in_the_journal_ends_the_console(run_virtual: VirtualRun) -> None:
    stand: Any = Stand(failure=OSError("no space left"))
    with pytest.raises(OSError, match="no space left"):
        run_virtual(Console.watch(stand))


def test_a_market_that_ends_stops_the_script_once(run_virtual: VirtualRun) -> None:
    stand: Any = Stand()

    async def scenario() -> None:
        ended = asyncio.Event()
        stand._market_ended = ended
        watching = asyncio.ensure_future(Console.watch(stand))
        await asyncio.sleep(10)
        assert stand.stopped == 0
        ended.set()
        await asyncio.sleep(10)
        watching.cancel()

    run_virtual(scenario())
    assert stand.stopped == 1
    assert len(stand.told) == 1
    assert "market's data has ended" in stand.told[0]
