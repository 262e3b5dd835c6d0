"""A recovery script on a paper exchange, as Hummingbot makes it, for tests that let time pass and edit its files."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from hummingbot.client import settings

from hummingbot_scripts.recovery_dca import RecoveryDcaScript
from shared.bot.script_config import RecoveryScriptConfig, load_script_config
from tests.conftest import START_S, VirtualRun
from tests.unit.paper.paper_exchange import PAIR, PaperExchange

STRATEGY_FILE = "probe_dca.yml"

Use = Callable[[Any], Awaitable[None]]


@asynccontextmanager
async def a_script(exchange: str, config: RecoveryScriptConfig | None) -> AsyncIterator[Any]:
    """A script that was made, on the exchange's paper connector; none of its controllers has started."""
    connector = PaperExchange(exchange).connector
    script: Any = RecoveryDcaScript({connector.name: connector}, config)
    script._set_current_timestamp(START_S)
    try:
        yield script
    finally:
        script.listen_to_executor_actions_task.cancel()
        for controller in script.controllers.values():
            controller.stop()
        await asyncio.sleep(0)


def with_script(run_virtual: VirtualRun, use: Use, exchange: str = "binance", **changes: Any) -> None:
    """A script that was made, of the strategy file and one pair."""
    config = script_config(connector_name=f"{exchange}_paper_trade", **changes)

    async def scenario() -> None:
        async with a_script(exchange, config) as script:
            await use(script)

    run_virtual(scenario())


def with_running_script(
    run_virtual: VirtualRun, use: Use, config: RecoveryScriptConfig | None = None, exchange: str = "binance"
) -> None:
    """A script that was started, with the phase's file unless one is given."""

    async def scenario() -> None:
        async with a_script(exchange, config) as script:
            script.update_controllers_configs()
            for controller in script.controllers.values():
                controller.start()
            await use(script)

    run_virtual(scenario())


def script_config(**changes: Any) -> RecoveryScriptConfig:
    """A configuration of the strategy file `STRATEGY_FILE` and one pair."""
    content = {
        "script_file_name": "recovery_dca.py",
        "controllers_config": [STRATEGY_FILE],
        "pairs": [PAIR],
        "max_positions": 4,
        "max_positions_per_pair": 1,
        "capital_quote": 3000,
    }
    return RecoveryScriptConfig(**content | changes)


def load_default(name: str) -> RecoveryScriptConfig:
    """A script configuration that ships."""
    return load_script_config(Path(settings.SCRIPT_STRATEGY_CONF_DIR_PATH) / name)


def ten_seconds_later(script: Any) -> None:
    """Let ten seconds pass, after which edits and the phase are looked for."""
    script._set_current_timestamp(script.current_timestamp + 10)
    script.update_controllers_configs()


def change_file(path: Path, **changes: Any) -> None:
    """Edit settings of a strategy file, as a trader does."""
    _write(path, yaml.safe_load(path.read_text()) | changes)


def write_strategy(path: Path, **changes: Any) -> None:
    """Write the strategy file anew: the DCA that ships, but for the changes."""
    shipped = yaml.safe_load(path.with_name("recovery_dca.yml").read_text())
    _write(path, shipped | {"id": path.stem} | changes)


def _write(path: Path, content: dict[str, Any]) -> None:
    stamp = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(yaml.dump(content))
    # Another time of change, however coarse the file system's clock.
    os.utime(path, ns=(stamp + 10**9, stamp + 10**9))
