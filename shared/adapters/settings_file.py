"""Files of settings, as a person writes them in conf/: YAML, `name: value`."""

from pathlib import Path
from typing import Any

import yaml

from shared.wire.config_errors import ConfigError

# What another mapping brings in may be given again: that is what it is for.
_MERGE = "tag:yaml.org,2002:merge"


class _WrongName(yaml.YAMLError):
    """A name of which YAML itself would make nothing of use. The message is a sentence."""


class _Loader(yaml.SafeLoader):
    """Refuses a name that is no text, and one given twice: YAML would keep the last and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                continue
            name, line = self.construct_object(key, deep=True), key.start_mark.line + 1
            written = f"{key.value} = {value.value}" if _is_scalar(key) and _is_scalar(value) else f"{name}"
            if not isinstance(name, str):
                raise _WrongName(f"{written}: must have a name that is text, in line {line}")
            if name in lines:
                raise _WrongName(f"{written}: must be given once, and is in line {lines[name]} and line {line}")
            lines[name] = line
        return super().construct_mapping(node, deep)


def _is_scalar(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of settings.

    Raises:
        ConfigError: The file is missing, not YAML, or not a mapping; or a name is given twice or is no text.
    """
    try:
        content = yaml.load(path.read_text(), _Loader)
    except FileNotFoundError:
        present = ", ".join(sorted(other.name for other in path.parent.glob("*.yml"))) or "none"
        raise ConfigError(f"{path}: no such file; there are: {present}") from None
    except _WrongName as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error
    # ValueError: not only of text that is no UTF-8, but of 2025-13-45 too, which YAML takes for a date.
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold settings as `name: value` lines")
    return content
