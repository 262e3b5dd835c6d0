"""One sentence for everything that is wrong with a file of settings: file, field, value and what is allowed."""

import re
from collections.abc import Sequence
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

# Each fraction is written as one (0.03 is 3 %). Nothing sensible lies at or above this, and "3" for 3 % does.
MAX_FRACTION = Decimal("0.5")
_LONGEST_VALUE = 100
_FEW = 16
# What a model writes by itself is what it allows already.
_OURS = ("value_error", "assertion_error")
_NUMBERS = {int: "a whole number", Decimal: "a number", float: "a number"}
_OTHERS = {bool: "true or false", str: "text"}
# Quoted in a file they are text, and without the quotes something else.
_LOOKS_LIKE_ANOTHER_KIND = re.compile(r"true|false|null|yes|no|on|off|~|[-+]?\.?[0-9][0-9_.:e+-]*", re.IGNORECASE)


class ConfigError(ValueError):
    """A configuration file that cannot be used. Each message is one sentence: file, field, value, what is allowed."""


def describe(path: str | Path, error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """One line for everything pydantic found wrong with a file.

    Args:
        path: The file, or whatever else the settings come from.
        error: What pydantic found.
        model: The settings. With it all that a field allows is told, without it only the bound that was missed.
    """
    return "; ".join(f"{path}: {_sentence(problem, model)}" for problem in error.errors(include_url=False))


def missing(path: str | Path, name: str, model: type[BaseModel]) -> str:
    """One line for a setting that a file leaves out although the model would have a default."""
    allowed = _allowed(model.model_fields[name])
    return f"{path}: {name}: is missing" + (f"; must be {allowed}" if allowed else "")


def shown(value: Any) -> str:
    """A value as the file has it, on one line and not too long."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if isinstance(value, str) and (
        not text.isprintable() or text != text.strip() or not text or _LOOKS_LIKE_ANOTHER_KIND.fullmatch(text)
    ):
        text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."


def _sentence(problem: Any, model: type[BaseModel] | None) -> str:
    kind, place = problem["type"], problem["loc"]
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    message = message.replace("must be a valid string", "must be text")
    if not place:
        return str(message)
    field = _field(model, place)
    name, allowed = ".".join(shown(part) for part in place), None if field is None else _allowed(field)
    if kind == "missing":
        return f"{name}: is missing" + (f"; must be {allowed}" if allowed else "")
    given = f"{name} = {shown(problem['input'])}"
    if kind == "extra_forbidden":
        return f"{given}: there is no such setting{_nearest(_part(model, place[:-1]), place[-1])}"
    return f"{given}: {message if kind in _OURS or allowed is None else f'must be {allowed}'}"


def _part(model: type[BaseModel] | None, place: Sequence[str | int]) -> type[BaseModel] | None:
    """The model of a part of the file."""
    for name in place:
        found = None if model is None else model.model_fields.get(str(name))
        inner = None if found is None else found.annotation
        model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
    return model


def _field(model: type[BaseModel] | None, place: Sequence[str | int]) -> FieldInfo | None:
    """The field at a place; None for an element of a list, which is no field of its own."""
    part = _part(model, place[:-1])
    return None if part is None else part.model_fields.get(str(place[-1]))


def _nearest(part: type[BaseModel] | None, name: str | int) -> str:
    if part is None:
        return ""
    near = get_close_matches(str(name), part.model_fields, n=1)
    if near:
        return f"; the nearest is {near[0]}"
    few = len(part.model_fields) <= _FEW
    return f"; there are: {', '.join(sorted(part.model_fields))}" if few else f"; there are those of {part.__name__}"


def _allowed(field: FieldInfo) -> str | None:
    """What a field may be, in words; None where its type alone does not say."""
    extra = field.json_schema_extra
    words = str(extra["allowed"]) if isinstance(extra, dict) and "allowed" in extra else None
    union = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else (field.annotation,)
    kinds = [kind for kind in union if kind is not NoneType]
    if words is None and len(kinds) == 1:
        words = _in_words(kinds[0], field)
    return f"{words} or null" if words is not None and NoneType in union else words


def _in_words(kind: Any, field: FieldInfo) -> str | None:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "settings as `name: value` lines"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(str(member.value) for member in kind)}"
    if kind not in _NUMBERS:
        return _OTHERS.get(kind)
    bound = {
        name: getattr(item, name) for item in field.metadata for name in ("ge", "gt", "le", "lt") if hasattr(item, name)
    }
    if bound == {"gt": 0, "lt": MAX_FRACTION}:
        return f"a fraction above 0 and below {MAX_FRACTION} (0.03 is 3 %)"
    if bound.keys() == {"ge", "le"}:
        return f"{_NUMBERS[kind]} from {bound['ge']} to {bound['le']}"
    words = {"gt": "above", "ge": "of at least", "lt": "below", "le": "at most"}
    range_ = " and ".join(f"{word} {bound[name]}" for name, word in words.items() if name in bound)
    return f"{_NUMBERS[kind]} {range_}".rstrip()
