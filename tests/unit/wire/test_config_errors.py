"""What pydantic finds wrong is told as file, field, value and what is allowed."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from shared.wire.config_errors import MAX_FRACTION, describe, missing, shown

FRACTION = "a fraction above 0 and below 0.5 (0.03 is 3 %)"


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
    rest: Decimal | None = Field(None, gt=0, lt=MAX_FRACTION)
    hours: Decimal = Field(Decimal(1), lt=24)
    days: int = Field(1, ge=1, le=7)
    weight: float = Field(1, gt=0, le=3)
    anything: float = 0
    names: list[str] = []
    pair: str | None = Field(None, pattern="^[A-Z]+-[A-Z]+$", json_schema_extra={"allowed": "a pair such as A-B"})
    word: str = ""
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
            raise ValueError("other = true: must be false where one is true")
        return self


def refused(content: dict[str, Any]) -> ValidationError:
    with pytest.raises(ValidationError) as found:
        Probe.model_validate(content)
    return found.value


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"colour": "green"}, "colour = green: must be one of red, blue"),
        ({"color": "red"}, "color = red: there is no such setting; the nearest is colour"),
        ({"x": 1}, f"x = 1: there is no such setting; there are: {', '.join(sorted(Probe.model_fields))}"),
        ({"inner": {"count": 0}}, "inner.count = 0: must be a whole number of at least 1"),
        ({"inner": {"count": "7"}}, "inner.count = '7': must be a whole number of at least 1"),
        ({"inner": {"count": 1, "cnt": 2}}, "inner.cnt = 2: there is no such setting; the nearest is count"),
        ({"inner": {}}, "inner.count: is missing; must be a whole number of at least 1"),
        ({"inner": None}, "inner = null: must be settings as `name: value` lines"),
        ({"inner": [1]}, "inner = [1]: must be settings as `name: value` lines"),
        ({"share": 3}, f"share = 3: must be {FRACTION}"),
        ({"share": 0}, f"share = 0: must be {FRACTION}"),
        ({"share": None}, f"share = null: must be {FRACTION}"),
        ({"rest": 3}, f"rest = 3: must be {FRACTION} or null"),
        ({"hours": 24}, "hours = 24: must be a number below 24"),
        ({"hours": float("nan")}, "hours = nan: must be a number below 24"),
        ({"days": 8}, "days = 8: must be a whole number from 1 to 7"),
        ({"days": 1.5}, "days = 1.5: must be a whole number from 1 to 7"),
        ({"weight": 0}, "weight = 0: must be a number above 0 and at most 3"),
        ({"anything": "much"}, "anything = much: must be a number"),
        ({"names": ["a", "a"]}, "names = ['a', 'a']: must name each once"),
        ({"names": [1]}, "names.0 = 1: must be text"),
        ({"pair": "a-b"}, "pair = a-b: must be a pair such as A-B or null"),
        ({"word": 1}, "word = 1: must be text"),
        ({"one": "perhaps"}, "one = perhaps: must be true or false"),
        ({"one": True, "other": True}, "other = true: must be false where one is true"),
    ],
    ids=str,
)
def test_each_fault_is_one_sentence(content: dict[str, Any], sentence: str) -> None:
    assert describe("probe.yml", refused(content), Probe) == f"probe.yml: {sentence}"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"color": "red"}, "color = red: there is no such setting"),
        ({"inner": {}}, "inner.count: is missing"),
        ({"days": 0}, "days = 0: must be greater than or equal to 1"),
        ({"word": 1}, "word = 1: must be text"),
    ],
    ids=str,
)
def test_of_settings_that_are_not_ours_the_missed_bound_is_told(content: dict[str, Any], sentence: str) -> None:
    assert describe("probe.yml", refused(content)) == f"probe.yml: {sentence}"


def test_a_model_with_many_settings_is_named_instead_of_them() -> None:
    class Many(BaseModel):
        model_config = ConfigDict(extra="forbid")
        __annotations__ = {f"setting_{number}": int for number in range(17)}

    with pytest.raises(ValidationError) as found:
        Many.model_validate({f"setting_{number}": 1 for number in range(17)} | {"x": 1})
    assert describe("p.yml", found.value, Many) == "p.yml: x = 1: there is no such setting; there are those of Many"


def test_several_faults_are_all_named() -> None:
    assert describe("p.yml", refused({"colour": "green", "hours": 24}), Probe) == (
        "p.yml: colour = green: must be one of red, blue; p.yml: hours = 24: must be a number below 24"
    )


def test_a_setting_left_to_its_default_can_be_told_as_missing() -> None:
    assert missing("p.yml", "days", Probe) == "p.yml: days: is missing; must be a whole number from 1 to 7"
    assert missing("p.yml", "names", Probe) == "p.yml: names: is missing"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (0.03, "0.03"),
        ("0.03", "'0.03'"),
        ("-1", "'-1'"),
        (".5", "'.5'"),
        ("03:30", "'03:30'"),
        ("yes", "'yes'"),
        ("null", "'null'"),
        ("30d", "30d"),
        ("3 %", "3 %"),
        (".", "."),
        ("three", "three"),
        ("", "''"),
        (" a", "' a'"),
        ("a\nb", r"'a\nb'"),
        ("x" * 200, "x" * 100 + "..."),
        ([1, "a\nb"], r"[1, 'a\nb']"),
    ],
    ids=repr,
)
def test_a_value_is_shown_as_the_file_has_it(value: Any, text: str) -> None:
    assert shown(value) == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*Probe.model_fields, "x"]) | st.text(), values, max_size=4))
def test_whatever_is_wrong_is_told_on_one_line(content: dict[str, Any]) -> None:
    try:
        Probe.model_validate(content)
    except ValidationError as error:
        for model in (Probe, None):
            line = describe("p.yml", error, model)
            assert line.isprintable()
            assert line.count("p.yml: ") >= error.error_count()
