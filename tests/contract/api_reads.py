"""What hummingbot-api does with controllers and their files, written down from its sources; run in a process of its own.

Its controllers and configurations: routers/controllers.py and utils/file_system.py (load_controller_config_class). Its
backtests: services/backtesting_service.py. Its working folder holds `bots`, and here `shared` beside it.
"""

import importlib
import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml

TYPES = ("directional_trading", "market_making", "generic")


def main() -> None:
    sys.path.insert(0, os.getcwd())
    import hummingbot.strategy_v2.backtesting.backtesting_engine_base as engine_module

    listed = list_controllers()
    found = {
        "listed": listed,
        "classes": {name: load_config_class(kind, name).__name__ for kind in TYPES for name in listed[kind]},
        "templates": {name: template(kind, name) for kind in TYPES for name in listed[kind]},
        "updatable": {name: updatable(kind, name) for kind in TYPES for name in listed[kind]},
        "from_template": {name: from_template(kind, name) for kind in TYPES for name in listed[kind]},
        "files": {path.name: read_and_save(path) for path in sorted(Path("bots/conf/controllers").glob("*.yml"))},
        "backtested": {
            path.name: backtested(engine_module.BacktestingEngineBase, path)
            for path in sorted(Path("bots/conf/controllers").glob("*.yml"))
        },
        "shared": importlib.import_module("shared").__file__,
    }
    sys.stdout.write(json.dumps(found) + "\n")


def list_controllers() -> dict[str, list[str]]:
    excluded = ("__init__.py", "__pycache__", ".DS_Store", ".dockerignore", ".gitignore")
    listed = {}
    for kind in TYPES:
        folder = Path("bots/controllers") / kind
        files = [path for path in folder.iterdir() if path.is_file()] if folder.exists() else []
        listed[kind] = sorted(path.stem for path in files if path.name not in excluded and path.suffix == ".py")
    return listed


def load_config_class(kind: str, name: str) -> Any:
    from hummingbot.strategy_v2.controllers.controller_base import ControllerConfigBase
    from hummingbot.strategy_v2.controllers.directional_trading_controller_base import (
        DirectionalTradingControllerConfigBase,
    )
    from hummingbot.strategy_v2.controllers.market_making_controller_base import MarketMakingControllerConfigBase

    bases = (ControllerConfigBase, DirectionalTradingControllerConfigBase, MarketMakingControllerConfigBase)
    module_name = f"bots.controllers.{kind}.{name}"
    loaded = sys.modules.get(module_name)
    module = importlib.reload(loaded) if loaded else importlib.import_module(module_name)
    for _, member in inspect.getmembers(module, inspect.isclass):
        if issubclass(member, ControllerConfigBase) and member not in bases:
            return member
    raise LookupError(module_name)


def template(kind: str, name: str) -> Any:
    fields = {
        field_name: {
            "default": field.default,
            "type": field.annotation,
            "required": field.required if hasattr(field, "required") else False,
        }
        for field_name, field in load_config_class(kind, name).model_fields.items()
    }
    return json.loads(json.dumps(fields, default=str))


def updatable(kind: str, name: str) -> list[str]:
    """What Hummingbot's own ControllerBase.update_config would take over from an edit."""
    fields = load_config_class(kind, name).model_fields.items()
    return sorted(
        field_name for field_name, field in fields if (field.json_schema_extra or {}).get("is_updatable", False)
    )


def from_template(kind: str, name: str) -> dict[str, Any]:
    """A template's defaults sent back as they came, beside what the class makes of no settings at all."""
    config_class = load_config_class(kind, name)
    defaults = {field: shown["default"] for field, shown in template(kind, name).items()}
    sent, bare = config_class(**defaults | {"id": "sent"}), config_class(id="sent")
    return {"sent": sent.as_text(), "bare": bare.as_text(), "same": sent.config_id == bare.config_id}


def read_and_save(path: Path) -> dict[str, Any]:
    """List it, validate it, save it, read it again; then edit a bot's copy as update_bot_controller_config does."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    config_class = load_config_class(content["controller_type"], content["controller_name"])
    first = config_class(**content)
    path.write_text(yaml.dump(content, default_flow_style=False), encoding="utf-8")
    saved = yaml.safe_load(path.read_text(encoding="utf-8"))
    second = config_class(**saved)

    copy = Path("bots/instances/bot/conf/controllers") / path.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    edited = saved | {"min_confidence": 0.45}
    with copy.open("w", encoding="utf-8") as file:
        yaml.dump(edited, file, default_flow_style=False, allow_unicode=True)
    third = config_class(**yaml.safe_load(copy.read_text(encoding="utf-8")))
    return {
        "id": content["id"],
        "unchanged": content == saved,
        "same": first.config_id == second.config_id and first.as_text() == second.as_text(),
        "edited": {name: text for name, text in third.as_text().items() if text != first.as_text()[name]},
        "controller": first.get_controller_class().__name__,
    }


def backtested(engine: Any, path: Path) -> list[str]:
    config = engine.get_controller_config_instance_from_yml(path.name, str(path.parent), "bots.controllers")
    return [type(config).__name__, type(config).__module__, *(feed.interval for feed in config.candles_config)]


if __name__ == "__main__":
    main()
