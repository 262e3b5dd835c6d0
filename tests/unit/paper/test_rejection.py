"""Refusals read as the venue's own: a code and a message in JSON, which Hummingbot's connectors look for."""

import json

import pytest

from shared.paper import rejection
from shared.paper.rejection import RejectionReason, VenueRejection
from shared.wire.venue_errors import venue_error_code

REASONS = {name: value for name, value in vars(rejection).items() if isinstance(value, RejectionReason)}


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)
def test_a_refusal_is_the_venues_json(reason: RejectionReason) -> None:
    error = VenueRejection(reason, "5 USDT needed, 1 USDT free")
    told = json.loads(str(error))
    assert told == {"code": reason.code, "msg": f"{reason.message} (5 USDT needed, 1 USDT free)"}
    assert venue_error_code(str(error)) == str(reason.code) == str(error.code)
    assert json.loads(str(VenueRejection(reason)))["msg"] == reason.message
    assert isinstance(error, OSError), "Hummingbot's connectors catch IOError"
