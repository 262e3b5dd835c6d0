"""What a script says of itself without being run: read from its source, because importing it needs Hummingbot's home."""

import ast
from pathlib import Path

from shared.wire.config_errors import ConfigError


def config_name_of(path: Path) -> str:
    """What a script's files of conf/scripts begin with, e.g. `recovery_dca`.

    Raises:
        ConfigError: There is no such script, or it names none.
    """
    if not path.is_file():
        present = ", ".join(sorted(other.name for other in path.parent.glob("*.py") if other.stem != "__init__"))
        raise ConfigError(f"--script = {path.name}: no such file in {path.parent}; there are: {present or 'none'}")
    try:
        tree = ast.parse(path.read_text())
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"--script = {path.name}: is not Python: {error}") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if "config_name" in names:
                return str(node.value.value)
    raise ConfigError(f"--script = {path.name}: is not a script of this project; name its configuration with --conf")
