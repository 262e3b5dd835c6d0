"""The venue's code in a refusal's text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.venue_errors import venue_error_code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"code":-2010,"msg":"Account has insufficient balance."}', "-2010"),
        ('Error executing request POST. HTTP status is 400. Error: {"code": -1013, "msg": "Filter failure"}', "-1013"),
        ('{"msg":"x", "code" : 200}', "200"),
        ("Order amount 1 is lower than minimum order size", None),
        ('{"code":"-2010"}', None),
        ("", None),
    ],
)
def test_the_code_is_found(message: str, code: str | None) -> None:
    assert venue_error_code(message) == code


@given(st.text())
def test_any_text_is_read(message: str) -> None:
    found = venue_error_code(message)
    assert found is None or int(found) is not None
