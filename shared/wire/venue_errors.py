"""The error code in a venue's refusal, as it stands in the text Hummingbot hands on."""

import re

_CODE = re.compile(r'"code"\s*:\s*(-?\d+)')


def venue_error_code(message: str) -> str | None:
    """The code in a message such as ``{"code":-2010,"msg":"..."}``, or None where there is none."""
    found = _CODE.search(message)
    return found.group(1) if found else None
