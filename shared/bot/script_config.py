"""A script's settings: which strategy files it runs, over which pairs, within which limits."""

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from hummingbot.client import settings
from hummingbot.core.data_type.common import MarketDict
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.strategy import strategy_v2_base
from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from shared.adapters.settings_file import read_yaml
from shared.bot.config import RecoveryControllerConfig
from shared.bot.config_fields import (
    A_CONNECTOR,
    A_PAIR,
    CONNECTOR,
    MAX_POSITIONS,
    MAX_QUOTE,
    PAIR,
    require_kind,
    venues_with_candles,
)
from shared.bot.strategy_file import STRATEGY_FILE, load_controller_config, require_whole
from shared.domain.limits import LimitError, Limits
from shared.wire.config_errors import ConfigError, describe

_GUARD_SETTINGS = ("crash_guard_pair", "crash_drop_1h", "crash_drop_4h", "crash_drop_24h")


def _name_of_a_file(value: str) -> str:
    if not STRATEGY_FILE.fullmatch(value):
        raise ValueError("must be the name of a file of conf/controllers, such as recovery_dca.yml")
    return value


def _pair(value: str) -> str:
    if not re.fullmatch(PAIR, value):
        raise ValueError(f"must be {A_PAIR}")
    return value


def _setting(allowed: str | None = None, **bounds: Any) -> Any:
    return Field(json_schema_extra=None if allowed is None else {"allowed": allowed}, **bounds)


class RecoveryScriptConfig(strategy_v2_base.StrategyV2ConfigBase):
    """One script: strategy files from conf/controllers, each run on every pair as a controller of its own."""

    script_file_name: str = _setting("a file of hummingbot_scripts, such as recovery_dca.py", pattern=r"^\w+\.py$")
    controllers_config: list[Annotated[str, AfterValidator(_name_of_a_file)]] = _setting(
        "a list of files of conf/controllers", min_length=1
    )
    pairs: list[Annotated[str, AfterValidator(_pair)]] = _setting("a list of trading pairs", min_length=1)
    max_positions: int = _setting(ge=1, le=MAX_POSITIONS)
    max_positions_per_pair: int = _setting(ge=1, le=MAX_POSITIONS)
    max_positions_per_strategy: int | None = _setting(default=None, ge=1, le=MAX_POSITIONS)
    capital_quote: Decimal = _setting(gt=0, le=MAX_QUOTE)
    exposure_per_pair_quote: Decimal | None = _setting(default=None, gt=0, le=MAX_QUOTE)
    exposure_per_strategy_quote: Decimal | None = _setting(default=None, gt=0, le=MAX_QUOTE)
    # Trade every strategy file on this connector instead of the one the file names.
    connector_name: str | None = _setting(A_CONNECTOR, default=None, pattern=CONNECTOR)
    # False switches the crash guard of every strategy file off.
    crash_guard: bool = True
    # Set by a start that named no file: when the home's phase changes, go on with that phase's file.
    follow_phase: bool = False
    # Hummingbot 20260126 wants these two of every script; ours come from the controllers.
    markets: MarketDict = Field(default=MarketDict({}), exclude=True)
    candles_config: list[Any] = Field(default=[], exclude=True)
    # Where it was read from, for messages.
    _path: str = PrivateAttr(default="the script's configuration")

    @model_validator(mode="before")
    @classmethod
    def _is_not_empty(cls, content: Any) -> Any:
        # Hummingbot 20260126 reads a missing file as {} and starts a strategy that does nothing.
        if content == {}:
            raise ValueError("the script's configuration is missing or empty; name an existing file of conf/scripts")
        return content

    @field_validator("*", mode="before")
    @classmethod
    def _is_of_its_kind(cls, value: Any, info: ValidationInfo) -> Any:
        return require_kind(cls.model_fields[str(info.field_name)].annotation, value)

    @field_validator("markets", "candles_config", mode="before")
    @classmethod
    def _is_ours(cls, value: Any) -> Any:
        if value:
            raise ValueError("must stay empty, it is derived from the controllers")
        return value

    @field_validator("pairs", "controllers_config")
    @classmethod
    def _are_distinct(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("must name each once")
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
            ConfigError: A file is missing or wrong, the limits do not suffice for one of its positions, or two of them want
                a perpetual account set up in two ways.
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
        for config in configs:
            self._require_candles_for(config)
            self._require_room_for(config)
        _require_one_account([config for config in configs if config.is_perpetual])
        return configs

    def _require_candles_for(self, config: RecoveryControllerConfig) -> None:
        if config.candles.connector not in CandlesFactory._candles_map:
            raise ConfigError(
                f"{self.connector_file(config)}: connector_name = {config.connector_name}: must go with a candles_connector, "
                f"because Hummingbot has no candles of this one; it has those of {venues_with_candles()}"
            )

    def _require_room_for(self, config: RecoveryControllerConfig) -> None:
        for name in ("capital_quote", "exposure_per_pair_quote", "exposure_per_strategy_quote"):
            most: Decimal | None = getattr(self, name)
            if most is not None and config.total_amount_quote > most:
                raise ConfigError(
                    f"{self._path}: {name} = {most}: must be at least one position, total_amount_quote = "
                    f"{config.total_amount_quote} of {config.id}"
                )

    def connector_file(self, config: RecoveryControllerConfig) -> str:
        """The file that says on which connector a controller of this script trades."""
        return self._path if self.connector_name is not None else _file_of(config)

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


def _file_of(config: RecoveryControllerConfig) -> str:
    """The strategy file a controller comes from."""
    stem = str(config.id).removesuffix(f"_{config.trading_pair}")
    return str(Path(settings.CONTROLLERS_CONF_DIR_PATH) / f"{stem}.yml")


def _require_one_account(perpetuals: Sequence[RecoveryControllerConfig]) -> None:
    """An account has one position mode, and a pair in it one leverage: of two that differ the later would win."""
    for name, shared_by in (
        ("position_mode", lambda config: config.connector_name),
        ("leverage", lambda config: (config.connector_name, config.trading_pair)),
    ):
        first: dict[Any, RecoveryControllerConfig] = {}
        for config in perpetuals:
            other = first.setdefault(shared_by(config), config)
            wanted, given = other.as_text()[name], config.as_text()[name]
            if given != wanted:
                raise ConfigError(
                    f"{_file_of(config)}: {name} = {given}: must be {wanted} as in {_file_of(other)}, which trades on the "
                    "same account"
                )


def load_script_config(path: Path) -> RecoveryScriptConfig:
    """Read a script's file of conf/scripts.

    Raises:
        ConfigError: The file is missing or wrong.
    """
    content = read_yaml(path)
    require_whole(path, content, RecoveryScriptConfig)
    try:
        config = RecoveryScriptConfig(**content)
    except ValidationError as error:
        raise ConfigError(describe(path, error, RecoveryScriptConfig)) from error
    config._path = str(path)
    return config
