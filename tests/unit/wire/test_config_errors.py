"""What pydantic finds wrong is told as file, field, value and what is allowed."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from shared.wire.config_errors import MAX_FRACTION, describe


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: int = Field(strict=True, ge=1)


class Probe(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: Inner = Inner(count=1)
    colour: Colour = Colour.RED
    share: Decimal = Field(Decimal("0.1"), gt=0, lt=MAX_FRACTION)
    hours: Decimal = Field(Decimal(1), lt=24)
    names: list[str] = []
    one: bool = False
    other: bool = False

    @field_validator("names")
    @classmethod
    def _named_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("must name each once")
        return value

    @model_validator(mode="after")
    def _one_of_two(self) -> "Probe":
        if self.one and self.other:
            raise ValueError("one and other: set one of them")
        return self


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"colour": "green"}, "colour = green: must be 'red' or 'blue'"),
        ({"color": "red"}, "color = red: there is no such setting"),
        ({"inner": {"count": 0}}, "inner.count = 0: must be greater than or equal to 1"),
        ({"inner": {"count": "7"}}, "inner.count = 7: must be a valid integer"),
        ({"inner": {"count": 1, "cnt": 2}}, "inner.cnt = 2: there is no such setting"),
        ({"inner": {}}, "inner.count: is missing"),
        ({"inner": None}, "inner = None: must hold settings as `name: value` lines"),
        ({"inner": [1]}, "inner = [1]: must hold settings as `name: value` lines"),
        ({"share": 3}, "share = 3: must be a fraction above 0 and below 0.5 (0.03 is 3 %)"),
        ({"share": 0}, "share = 0: must be greater than 0"),
        ({"hours": 24}, "hours = 24: must be less than 24"),
        ({"names": ["a", "a"]}, "names = ['a', 'a']: must name each once"),
        ({"names": [1]}, "names.0 = 1: must be a valid string"),
        ({"one": True, "other": True}, "one and other: set one of them"),
    ],
    ids=str,
)
def test_each_fault_is_one_sentence(content: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Probe.model_validate(content)
    assert describe("probe.yml", refused.value) == f"probe.yml: {sentence}"


def test_several_faults_are_all_named() -> None:
    with pytest.raises(ValidationError) as refused:
        Probe.model_validate({"colour": "green", "hours": 24})
    assert describe("p.yml", refused.value) == (
        "p.yml: colour = green: must be 'red' or 'blue'; p.yml: hours = 24: must be less than 24"
    )
