"""Files of settings, as a person writes them in conf/: YAML, `name: value`."""

from pathlib import Path
from typing import Any

import yaml

from shared.wire.config_errors import ConfigError


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of settings.

    Raises:
        ConfigError: The file is missing, not YAML, or not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        present = ", ".join(sorted(other.name for other in path.parent.glob("*.yml"))) or "none"
        raise ConfigError(f"{path}: no such file; there are: {present}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold settings as `name: value` lines")
    return content
