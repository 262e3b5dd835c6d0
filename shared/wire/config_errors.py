"""One sentence for everything that is wrong with a file of settings: file, field, value and what is allowed."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

# Each fraction is written as one (0.03 is 3 %). Nothing sensible lies at or above this, and "3" for 3 % does.
MAX_FRACTION = Decimal("0.5")
_OURS = "Value error, "


class ConfigError(ValueError):
    """A configuration file that cannot be used. Each message is one sentence: file, field, value, what is allowed."""


def describe(path: str | Path, error: ValidationError) -> str:
    """One line for everything pydantic found wrong with a file."""
    return "; ".join(_sentence(str(path), problem) for problem in error.errors(include_url=False))


def _sentence(path: str, problem: Any) -> str:
    field = ".".join(str(part) for part in problem["loc"]) or "the file"
    kind, context, value = problem["type"], problem.get("ctx", {}), problem.get("input")
    if kind == "extra_forbidden":
        return f"{path}: {field} = {value}: there is no such setting"
    if kind == "missing":
        return f"{path}: {field}: is missing"
    if kind == "model_type":
        return f"{path}: {field} = {value}: must hold settings as `name: value` lines"
    if field == "the file":
        return f"{path}: {problem['msg'].removeprefix(_OURS)}"
    if context.get("lt") == MAX_FRACTION:
        return f"{path}: {field} = {value}: must be a fraction above 0 and below {MAX_FRACTION} (0.03 is 3 %)"
    return f"{path}: {field} = {value}: {_allowed(problem['msg'])}"


def _allowed(message: str) -> str:
    return message.removeprefix(_OURS).replace("Input should be", "must be")
