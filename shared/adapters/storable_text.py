"""What of a journal's text a Postgres can be sent at all."""

from collections.abc import Iterable


def storable(texts: Iterable[str]) -> list[str]:
    """The texts, a NUL character in them as JSON writes it.

    Postgres takes no NUL, and would refuse a whole batch for it. Valid JSON has none, so such a payload is poison either way:
    written like this it arrives and becomes a dead letter.
    """
    return [text.replace("\0", "\\u0000") for text in texts]
