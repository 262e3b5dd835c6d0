"""A number of a message as an exact Decimal, of a size that a price or an amount can have."""

from decimal import Decimal, InvalidOperation

# Far beyond any price or amount, and far below what would make arithmetic or a database stumble.
_MOST_CHARACTERS = 40
_MOST_MAGNITUDE = 30


def exact_number(text: str) -> Decimal:
    """The number a text such as "95243.53" or "1.2e-7" stands for.

    Raises:
        ValueError: It stands for none, or for one that is not finite or of an absurd size.
    """
    if len(text) > _MOST_CHARACTERS or not text.isascii() or "_" in text:
        raise ValueError(f"{text[:_MOST_CHARACTERS]!r} is not a number of at most {_MOST_CHARACTERS} characters")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > _MOST_MAGNITUDE:
        raise ValueError(f"{text!r} is not a number of the size of a price or an amount")
    return number
