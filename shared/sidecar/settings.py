"""How conf/sidecar.yml is read: a part of it, and the kinds of value its fields hold."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _read_number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise PydanticCustomError("wrong_kind", "must be a number")
    return value


def setting(description: str, allowed: str) -> Any:
    """A field whose type does not say what may stand there."""
    return Field(description=description, json_schema_extra={"allowed": allowed})


Count = Annotated[int, Field(strict=True)]
Number = Annotated[Decimal, BeforeValidator(_read_number)]
Switch = Annotated[bool, Field(strict=True)]


class Settings(BaseModel):
    """A part of the file. Unknown settings are refused, and none is left out: there are no defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)
