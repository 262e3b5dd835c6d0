"""Hummingbot's own full-screen console, opened in a home.

No wheel contains the `bin/hummingbot.py` that opens it, so what that does is done here: log in, create the YAML files, set
logging up, build the application, run its screen. Around it, four things a trader on paper cannot do without, each because
Hummingbot leaves it undone:

- A start that fails says why. 20260126 writes the reason to the log alone and 20260922 forgets that the start has ended.
- `exit` stops the script first, so that positions are closed and the journal's run has its end.
- A hole in the journal ends the console instead of being logged.
- No password is asked for where there is nothing to protect.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hummingbot import init_logging
from hummingbot.client import settings
from hummingbot.client.config.config_crypt import ETHKeyFileSecretManger, store_password_verification
from hummingbot.client.config.config_helpers import (
    create_yml_files_legacy,
    list_connector_configs,
    read_system_configs_from_yml,
)
from hummingbot.client.config.security import Security
from hummingbot.client.hummingbot_application import HummingbotApplication
from hummingbot.client.ui import login_prompt
from hummingbot.client.ui.style import load_style
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory

from shared.adapters.settings_file import read_yaml
from shared.bot.launcher import LastError, StartError
from shared.bot.script_config import RecoveryScriptConfig
from shared.wire.config_errors import ConfigError

_WATCH_EVERY_S = 1.0
_ENDED = "the market's data has ended; `exit` and open the console again to start over"

ConfigFor = Callable[[str, str | None], tuple[str, RecoveryScriptConfig] | None]
"""(script, conf or None) -> the configuration's file and content, or None for a script that is not of this project.

Raises StartError where it must not be started.
"""


def log_in(client_config: Any) -> bool:
    """Unlock the keys in conf/connectors, if there are any. Call outside any event loop: the prompt has one of its own.

    Returns:
        False if the trader left the prompt.

    Raises:
        ConfigError: CONFIG_PASSWORD is wrong.
    """
    password = os.environ.get("CONFIG_PASSWORD")
    if password:
        secrets = ETHKeyFileSecretManger(password)
        if Security.new_password_required():
            store_password_verification(secrets)
        if not Security.login(secrets):
            raise ConfigError("CONFIG_PASSWORD: is not the password this home's keys were stored with")
        return True
    if list_connector_configs():
        return login_prompt(ETHKeyFileSecretManger, style=load_style(client_config)) is not None
    Security.decrypt_all()  # nothing; the application waits until it has been done
    return True


class Console(HummingbotApplication):
    """The console's application.

    Args:
        client_config: Hummingbot's client configuration.
        config_for: What a script of this project is started with.
        market_ended: Set once there is no more data; None on a live market.
    """

    _in_start_check: bool

    def __init__(self, client_config: Any, config_for: ConfigFor, market_ended: asyncio.Event | None) -> None:
        super().__init__(client_config_map=client_config)
        self._config_for = config_for
        self._market_ended = market_ended
        self._winding_down = asyncio.Lock()
        self._stock_start_strategy = self.trading_core.start_strategy
        self.trading_core.start_strategy = self._start_strategy

    # Starting.

    async def start_check(self, *args: Any, **kwargs: Any) -> None:
        """Hummingbot's `start`, whose refusals all reach the screen."""
        if self.trading_core._strategy_running:
            # Hummingbot would refuse as well, but forget which script is running.
            self.notify('The bot is already running - please run "stop" first')
            return
        try:
            await super().start_check(*args, **kwargs)
        except (StartError, ConfigError) as error:
            if self._in_start_check:  # refused before Hummingbot tells of refusals
                self._in_start_check = False
                self.notify(f"Invalid strategy. Start aborted {error}.")
            self.logger().error(f"Start aborted: {error}")
            await self.trading_core.shutdown()

    def _peek_config(self, conf_name: str) -> dict[str, Any]:
        """20260922 looks into the file for the script's name before anything else.

        Raises:
            ConfigError: The file is missing or wrong.
        """
        return read_yaml(Path(settings.SCRIPT_STRATEGY_CONF_DIR_PATH) / conf_name)

    async def _start_strategy(self, name: str, config: Any = None, file_name: str | None = None) -> bool:
        """Stands in for the trading core's function, which hides why a start failed.

        Raises:
            StartError: It failed; Hummingbot shows the message.
        """
        if self._has_ended():
            raise StartError(_ENDED)
        named = config if isinstance(config, str) else None
        ours = self._config_for(f"{name}.py", named)
        if ours is not None:
            file_name, content = ours
            config = content.model_dump(mode="json", exclude_none=True)
        last_error = LastError()
        logger = self.trading_core.logger()
        logger.disabled = False  # as Hummingbot leaves it after setting logging up a second time, for a second start
        logger.addHandler(last_error)
        try:
            if not await self._stock_start_strategy(name, config, file_name):
                raise StartError(last_error.message)
        finally:
            logger.removeHandler(last_error)
        return True

    # Stopping.

    async def stop_loop(self, skip_order_cancellation: bool = False) -> None:
        """Hummingbot's `stop`; a second one waits for the first."""
        async with self._winding_down:
            await super().stop_loop(skip_order_cancellation)

    async def exit_loop(self, force: bool = False) -> None:
        """Hummingbot's `exit`, after a `stop` if a script is running."""
        if self.trading_core._strategy_running or self._winding_down.locked():
            await self.stop_loop()
        await super().exit_loop(force)

    # Keys.

    def connect(self, option: str | None) -> None:
        """Hummingbot's `connect`, refused where there is no password to store a key with."""
        if option is not None and Security.secrets_manager is None:
            self.notify("This console was opened without a password, so it stores no keys. Paper trading needs none.")
            self.notify("To store some, set CONFIG_PASSWORD and open the console again.")
            return
        super().connect(option)

    # Watching.

    def _has_ended(self) -> bool:
        return self._market_ended is not None and self._market_ended.is_set()

    async def watch(self) -> None:
        """Stop the script when its market ends.

        Raises:
            BaseException: What left a hole in the journal.
        """
        while True:
            await asyncio.sleep(_WATCH_EVERY_S)
            running = getattr(self.trading_core.strategy, "session", None)
            if running is not None and running.failure is not None:
                raise running.failure
            if self.trading_core._strategy_running and self._has_ended():
                self.notify(f"\n{_ENDED}.")
                await self.stop_loop()


async def open_console(
    client_config: Any, config_for: ConfigFor, greeting: str, market_ended: asyncio.Event | None, *, simulated: bool
) -> None:
    """Show the console until the trader leaves it; whatever is running then is stopped in good order.

    Args:
        client_config: From `launcher.configure`, after `log_in`.
        config_for: What a script of this project is started with.
        greeting: First lines on the screen.
        market_ended: Set once there is no more data; None on a live market.
        simulated: Nothing but the local venue can be reached.

    Raises:
        BaseException: What left a hole in the journal.
    """
    await create_yml_files_legacy()
    init_logging("hummingbot_logs.yml", client_config)
    await read_system_configs_from_yml()
    console = Console(client_config, config_for, market_ended)
    # Its screen's parts ask for the application here, and would make a second one.
    HummingbotApplication._main_app = console
    await asyncio.sleep(0)  # the gateway's task must have begun before it can be cancelled
    if simulated:
        console.trading_core.gateway_monitor.stop_monitor()
    console.notify(greeting)
    _exit_on_signals(console)
    watch = asyncio.ensure_future(console.watch())
    screen = asyncio.ensure_future(console.run())
    try:
        await asyncio.wait({screen, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not screen.done():
            console.app.exit()
        await screen
    finally:
        failure = watch.exception() if watch.done() else None
        watch.cancel()
        await console.trading_core.shutdown()
        await ConnectionsFactory().close()
    if failure is not None:
        raise failure


def _exit_on_signals(console: Console) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, console.exit)
