"""Every field of a script's configuration is read: another value of it, and something else is done."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hummingbot.client import settings

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import strategy
from shared.bot.script_config import RecoveryScriptConfig, load_script_config
from shared.bot.session import Proposal, Session
from shared.bot.strategy import RecoveryStrategy
from shared.cli.errors import UsageError
from shared.cli.market import MarketChoice
from shared.cli.script import load_config
from shared.domain.protections import Protections
from shared.domain.signals import Refusal, Side, Signal

SCRIPTS = Path(settings.SCRIPT_STRATEGY_CONF_DIR_PATH)
ROOMY = {"max_positions": 100, "max_positions_per_pair": 100, "capital_quote": 100_000}

# By field: what it takes for the field to matter, and another value of it.
CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "script_file_name": ({}, "recovery_swing.py"),
    "controllers_config": ({}, ["recovery_swing.yml"]),
    "pairs": ({}, ["ETH-USDT"]),
    "max_positions": ({"max_positions_per_pair": 1}, 3),
    "max_positions_per_pair": ({}, 1),
    "max_positions_per_strategy": ({}, 1),
    "capital_quote": ({}, 900),
    "exposure_per_pair_quote": ({}, 700),
    "exposure_per_strategy_quote": ({}, 800),
    "connector_name": ({}, "binance_perpetual_paper_trade"),
    "crash_guard": ({}, False),
    "follow_phase": ({}, True),
}
# Hummingbot's: they follow from the controllers, and a value of a file's own is refused.
MUST_STAY_EMPTY: dict[str, Any] = {"markets": {"binance": ["BTC-USDT"]}, "candles_config": [1]}


@pytest.fixture
def file() -> Iterator[Path]:
    path = SCRIPTS / "probe.yml"
    yield path
    path.unlink(missing_ok=True)


def content(**changes: Any) -> dict[str, Any]:
    sound: dict[str, Any] = yaml.safe_load((SCRIPTS / "recovery_dca.yml").read_text())
    return sound | ROOMY | changes


def doings(home: Path, file: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """Everything others can see of what a script does under a configuration."""
    file.write_text(yaml.dump(content(**changes)))
    config = load_script_config(file)
    return (
        _starts(home, file),
        [
            (each.id, each.trading_pair, each.connector_name, each.crash_guard)
            for each in config.load_controller_configs()
        ],
        _refusals(config),
        _goes_on_in_another_phase(config, monkeypatch),
    )


def _starts(home: Path, file: Path) -> bool:
    try:
        load_config(home, "recovery_dca.py", file.name, MarketChoice("simulated", 1, ()))
    except UsageError:
        return False
    return True


def _refusals(config: RecoveryScriptConfig) -> list[Refusal | None]:
    """What becomes of signals of two strategies on four pairs, for positions of 400 quote each."""
    session = Session(MemoryJournal(), config.limits)
    for name in ("recovery_dca", "recovery_swing"):
        for pair in ("BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT"):
            signal = Signal(f"{name}{pair}", f"{name}{pair}", name, pair, Side.BUY, 1, 100.0, 0.5, {}, {}, {})
            session.decide(Proposal(signal, Decimal(400), Protections(max_positions=1, cooldown_s=0)))
    return [signal.reason for signal in session.record.signals]


def _goes_on_in_another_phase(config: RecoveryScriptConfig, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a running script loads the files of the phase the home has changed to."""
    running = SimpleNamespace(config=config, controllers={}, _phase=1)

    class Loads(Exception):
        pass

    def load(phase: int) -> None:
        raise Loads

    running._load_default = load
    monkeypatch.setattr(strategy, "current_phase", lambda journal: 2)
    try:
        RecoveryStrategy._follow_phase(running)  # type: ignore[arg-type]
    except Loads:
        return True
    return False


def unexplained(config_class: Any) -> set[str]:
    """Fields nobody has shown to be read."""
    return set(config_class.model_fields) - set(CASES) - set(MUST_STAY_EMPTY)


def test_every_field_has_its_row() -> None:
    assert unexplained(RecoveryScriptConfig) == set()
    assert set(CASES) <= set(RecoveryScriptConfig.model_fields)


class Grown(RecoveryScriptConfig):
    """A configuration with a field nobody reads."""

    unread: int = 1


def test_a_field_nobody_reads_is_found() -> None:
    assert unexplained(Grown) == {"unread"}


@pytest.mark.parametrize("field", CASES)
def test_every_field_is_read(field: str, bot_home: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, other = CASES[field]
    before = doings(bot_home, file, base, monkeypatch)
    assert before[0], "a sound file starts"
    assert doings(bot_home, file, base | {field: other}, monkeypatch) != before


def test_a_file_written_anew_does_the_same(bot_home: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doings(bot_home, file, {}, monkeypatch) == doings(bot_home, file, {}, monkeypatch)


@pytest.mark.parametrize("field", MUST_STAY_EMPTY)
def test_what_follows_from_the_controllers_is_read_to_be_refused(field: str) -> None:
    with pytest.raises(ValueError, match="must stay empty"):
        RecoveryScriptConfig(**content(**{field: MUST_STAY_EMPTY[field]}))
