"""Journal events as JSON text and back, Decimal kept to the last digit."""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from shared.domain.events import Event


class JournalCodecError(ValueError):
    """Text in the journal is not an event this version knows."""


@cache
def _adapter() -> TypeAdapter[Event]:
    return TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def encode_event(event: Event) -> str:
    """An event as one line of JSON; Decimals become strings.

    Raises:
        JournalCodecError: It holds a number that is none (NaN or infinite), which could not be read again.
    """
    for name, value in vars(event).items():
        number = _unreadable(value)
        if number is not None:
            raise JournalCodecError(f"{event.kind}: {name} = {number}: is no number to be recorded")
    return _adapter().dump_json(event).decode()


def _unreadable(value: object) -> float | Decimal | None:
    """The first number in a value that is none."""
    if isinstance(value, float | Decimal):
        return None if math.isfinite(value) else value
    if value is None or isinstance(value, str | int):
        return None
    if isinstance(value, tuple):
        parts: Iterable[object] = value
    else:
        parts = value.values() if isinstance(value, Mapping) else vars(value).values()
    return next((found for part in parts if (found := _unreadable(part)) is not None), None)


def decode_event(text: str) -> Event:
    """The event a line of JSON stands for.

    Raises:
        JournalCodecError: The line is not valid JSON or not a known event.
    """
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        raise JournalCodecError(f"not a journal event: {text[:200]}") from error
