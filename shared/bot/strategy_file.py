"""Reads one strategy file of conf/controllers: whole, under its own name, as the configuration of its controller."""

import importlib
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hummingbot.client import settings
from pydantic import BaseModel, ValidationError

from shared.adapters.settings_file import read_yaml
from shared.bot.config import RecoveryControllerConfig
from shared.wire.config_errors import ConfigError, describe, missing, shown

# What Hummingbot's API takes for a configuration's name.
STRATEGY_FILE = re.compile(r"[A-Za-z0-9_-]+\.yml")
_NUMBERED = re.compile(r".*_phase([0-9]+)")
# What Hummingbot has in every configuration, and ours derive or do without.
_DERIVED = frozenset({"candles_config", "initial_positions", "markets"})


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
    _require_its_name(path, content)
    config_class = _config_class(path, content)
    for name in _DERIVED & content.keys():
        if content[name]:
            raise ConfigError(f"{path}: {name} = {shown(content[name])}: must be left out, it follows from the rest")
    given = content | dict(changes or {})
    if changes and "trading_pair" in changes:
        given["id"] = f"{path.stem}_{changes['trading_pair']}"
    require_whole(path, content, config_class)
    try:
        return config_class(**given)
    except ValidationError as error:
        raise ConfigError(describe(path, error, config_class)) from error


def _require_its_name(path: Path, content: Mapping[str, Any]) -> None:
    """Hummingbot's API and Dashboard know a configuration by its file's name; its trades count for the phase in it."""
    if content.get("id") != path.stem:
        raise ConfigError(f"{path}: {_given(content, 'id')}: must be the file's name, {path.stem}")
    if not STRATEGY_FILE.fullmatch(path.name):
        raise ConfigError(f"{path}: {_given(content, 'id')}: must be of letters, digits, _ and - alone")
    numbered = _NUMBERED.fullmatch(path.stem)
    if numbered is not None and content.get("phase") != int(numbered[1]):
        raise ConfigError(f"{path}: {_given(content, 'phase')}: must be {numbered[1]}, as the file's name says")


def _given(content: Mapping[str, Any], name: str) -> str:
    return f"{name} = {shown(content[name])}" if name in content else f"{name}: is missing"


def require_whole(path: Path, content: Mapping[str, Any], model: type[BaseModel]) -> None:
    """Refuse what leaves a setting to its default: a default nobody wrote is a threshold nobody chose.

    Raises:
        ConfigError: Something is missing. Of a misspelt name the model itself tells more, so that is left to it.
    """
    if not content or content.keys() - model.model_fields.keys():
        return
    absent = sorted(model.model_fields.keys() - _DERIVED - content.keys())
    if absent:
        raise ConfigError("; ".join(missing(path, name, model) for name in absent))


def _config_class(path: Path, content: Mapping[str, Any]) -> type[RecoveryControllerConfig]:
    controller_type, controller_name = content.get("controller_type"), content.get("controller_name")
    module_name = f"{settings.CONTROLLERS_MODULE}.{controller_type}.{controller_name}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise ConfigError(f"{path}: {_no_controller(content)}") from error
    for _, member in inspect.getmembers(module, inspect.isclass):
        if issubclass(member, RecoveryControllerConfig) and member.__module__ == module.__name__:
            return member
    raise ConfigError(f"{path}: {_given(content, 'controller_name')}: must be a controller of this project")


def _no_controller(content: Mapping[str, Any]) -> str:
    folder = Path(settings.CONTROLLERS_PATH)
    types = sorted(other.parent.name for other in folder.glob("*/__init__.py"))
    if content.get("controller_type") not in types:
        return f"{_given(content, 'controller_type')}: must be one of {', '.join(types)}"
    names = sorted(other.stem for other in (folder / content["controller_type"]).glob("*.py"))
    return f"{_given(content, 'controller_name')}: must be one of {', '.join(n for n in names if n != '__init__')}"
