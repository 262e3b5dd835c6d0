"""A script's settings: which strategy files it runs, over which pairs, within which limits."""

import importlib
import inspect
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from hummingbot.client import settings
from hummingbot.core.data_type.common import MarketDict
from hummingbot.strategy import strategy_v2_base
from pydantic import Field, ValidationError, field_validator, model_validator

from shared.adapters.settings_file import read_yaml
from shared.bot.config import RecoveryControllerConfig
from shared.domain.limits import LimitError, Limits
from shared.wire.config_errors import ConfigError, describe

PAIR = re.compile(r"[A-Z0-9]+-[A-Z0-9]+")
_GUARD_SETTINGS = ("crash_guard_pair", "crash_drop_1h", "crash_drop_4h", "crash_drop_24h")


class RecoveryScriptConfig(strategy_v2_base.StrategyV2ConfigBase):
    """One script: strategy files from conf/controllers, each run on every pair as a controller of its own."""

    script_file_name: str
    controllers_config: list[str] = Field(min_length=1)
    pairs: list[str] = Field(min_length=1)
    max_positions: int = Field(ge=1)
    max_positions_per_pair: int = Field(ge=1)
    max_positions_per_strategy: int | None = Field(default=None, ge=1)
    capital_quote: Decimal = Field(gt=0)
    exposure_per_pair_quote: Decimal | None = Field(default=None, gt=0)
    exposure_per_strategy_quote: Decimal | None = Field(default=None, gt=0)
    # Trade every strategy file on this connector instead of the one the file names.
    connector_name: str | None = None
    # False switches the crash guard of every strategy file off.
    crash_guard: bool = True
    # Set by a start that named no file: when the home's phase changes, go on with that phase's file.
    follow_phase: bool = False
    # Hummingbot 20260126 wants these two of every script; ours come from the controllers.
    markets: MarketDict = Field(default=MarketDict({}), exclude=True)
    candles_config: list[Any] = Field(default=[], exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _is_not_empty(cls, content: Any) -> Any:
        # Hummingbot 20260126 reads a missing file as {} and starts a strategy that does nothing.
        if content == {}:
            raise ValueError("the script's configuration is missing or empty; name an existing file of conf/scripts")
        return content

    @field_validator("markets", "candles_config", mode="before")
    @classmethod
    def _is_ours(cls, value: Any) -> Any:
        if value:
            raise ValueError("is derived from the controllers and must stay empty")
        return value

    @field_validator("pairs")
    @classmethod
    def _pairs_are_distinct(cls, value: list[str]) -> list[str]:
        for pair in value:
            if not PAIR.fullmatch(pair):
                raise ValueError(f"{pair} is no trading pair, which looks like BTC-USDT")
        if len(set(value)) != len(value):
            raise ValueError("must name each pair once")
        return value

    @property
    def limits(self) -> Limits:
        return Limits(
            self.max_positions,
            self.max_positions_per_pair,
            self.capital_quote,
            self.max_positions_per_strategy,
            self.exposure_per_pair_quote,
            self.exposure_per_strategy_quote,
        )

    @model_validator(mode="after")
    def _limits_agree(self) -> "RecoveryScriptConfig":
        try:
            _ = self.limits
        except LimitError as error:
            raise ValueError(str(error)) from error
        return self

    def load_controller_configs(self) -> list[RecoveryControllerConfig]:
        """One configuration for each strategy file and pair.

        Raises:
            ConfigError: A file is missing or wrong, or the limits do not suffice for one of its positions.
        """
        folder = Path(settings.CONTROLLERS_CONF_DIR_PATH)
        changes: dict[str, Any] = {} if self.connector_name is None else {"connector_name": self.connector_name}
        if not self.crash_guard:
            changes |= dict.fromkeys(_GUARD_SETTINGS)
        configs = [
            load_controller_config(folder / name, changes | {"trading_pair": pair})
            for name in self.controllers_config
            for pair in self.pairs
        ]
        most = self.limits.largest_position_quote
        for config in configs:
            if config.total_amount_quote > most:
                raise ConfigError(
                    f"{self.script_file_name}: capital_quote and exposure limits = {most}: must be at least one position, "
                    f"total_amount_quote = {config.total_amount_quote} of {config.id}"
                )
        return configs

    def markets_needed(self) -> tuple[list[str], int]:
        """The pairs whose candles the controllers look at, traded or not, and the seconds of history they need.

        Raises:
            ConfigError: A strategy file is missing or wrong.
        """
        configs = self.load_controller_configs()
        guards = [config.crash_guard_pair for config in configs if config.crash_guard_pair is not None]
        return list(dict.fromkeys([*self.pairs, *guards])), max(config.history_needed_s for config in configs)

    def file_stamps(self) -> tuple[tuple[int, int], ...]:
        """What changes when a strategy file is edited: its time of change and size, (0, 0) for a missing one."""
        folder = Path(settings.CONTROLLERS_CONF_DIR_PATH)
        return tuple(_stamp(folder / name) for name in self.controllers_config)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def load_controller_config(path: Path, changes: Mapping[str, Any] | None = None) -> RecoveryControllerConfig:
    """Read one strategy file.

    Args:
        path: A file of conf/controllers.
        changes: Settings to take instead of the file's. With a `trading_pair` it is the instance for this pair: its id is then
            the file's id and the pair.

    Raises:
        ConfigError: The file is missing or wrong.
    """
    content = read_yaml(path)
    for name in ("id", "controller_type", "controller_name"):
        if not content.get(name):
            raise ConfigError(f"{path}: {name}: is missing")
    if content["id"] != path.stem:
        raise ConfigError(f"{path}: id = {content['id']}: must be the file's name, {path.stem}")
    config_class = _config_class(path, content["controller_type"], content["controller_name"])
    content |= changes or {}
    if changes and "trading_pair" in changes:
        content["id"] = f"{path.stem}_{changes['trading_pair']}"
    try:
        return config_class(**content)
    except ValidationError as error:
        raise ConfigError(describe(path, error)) from error


def _config_class(path: Path, controller_type: str, controller_name: str) -> type[RecoveryControllerConfig]:
    module_name = f"{settings.CONTROLLERS_MODULE}.{controller_type}.{controller_name}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise ConfigError(
            f"{path}: controller_name = {controller_name}: there is no controllers/{controller_type}/{controller_name}.py"
        ) from error
    for _, member in inspect.getmembers(module, inspect.isclass):
        if issubclass(member, RecoveryControllerConfig) and member.__module__ == module.__name__:
            return member
    raise ConfigError(f"{path}: controller_name = {controller_name}: is not a controller of this project")


def load_script_config(path: Path) -> RecoveryScriptConfig:
    """Read a script's file of conf/scripts.

    Raises:
        ConfigError: The file is missing or wrong.
    """
    try:
        return RecoveryScriptConfig(**read_yaml(path))
    except ValidationError as error:
        raise ConfigError(describe(path, error)) from error
