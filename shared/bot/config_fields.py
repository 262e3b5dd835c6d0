"""The kinds of fields a trader's settings are made of, with their bounds and the words that say what is allowed."""

from decimal import Decimal
from typing import Any

from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from pydantic import Field
from pydantic_core import PydanticCustomError

from shared.paper.injection import base_name
from shared.wire.config_errors import MAX_FRACTION

PAIR = r"^[A-Z0-9]+-[A-Z0-9]+$"
A_PAIR = "a trading pair such as BTC-USDT"
CONNECTOR = r"^[a-z0-9_]+$"
A_CONNECTOR = "a connector such as binance_paper_trade"
INTERVALS_S = {"1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600}
"""Length in seconds of each candle timeframe."""
# Beyond these lies nothing a trader means.
MAX_QUOTE = 1_000_000_000
MAX_POSITIONS = 1000
MONTH_S = 2_592_000


def fraction(description: str, default: str | None, *, updatable: bool = True) -> Any:
    """A pydantic field for a fraction in (0, 0.5)."""
    return Field(
        default=None if default is None else Decimal(default),
        gt=0,
        lt=MAX_FRACTION,
        json_schema_extra={
            "prompt": f"{description} (a fraction, 0.03 is 3 %)",
            "prompt_on_new": True,
            "is_updatable": updatable,
        },
    )


def setting(
    description: str, default: Any, *, updatable: bool = False, allowed: str | None = None, **bounds: Any
) -> Any:
    """A pydantic field with the prompt Hummingbot shows for it.

    Args:
        description: The prompt.
        default: What Hummingbot offers for a new file; our own files are complete.
        updatable: Whether it may change while the bot runs.
        allowed: What may stand there, in words, where type and bounds do not say it.
        bounds: Those of pydantic.
    """
    extra: dict[str, Any] = {"prompt": description, "prompt_on_new": True, "is_updatable": updatable}
    if allowed is not None:
        extra["allowed"] = allowed
    return Field(default=default, json_schema_extra=extra, **bounds)


def timeframe(default: str) -> Any:
    """A pydantic field for the length of a candle, of those in INTERVALS_S."""
    known = ", ".join(INTERVALS_S)
    return setting(f"Candle timeframe ({known})", default, allowed=f"one of {known}")


def venues_with_candles() -> str:
    """Whose candles Hummingbot can have, in words."""
    return ", ".join(sorted({base_name(name) for name in CandlesFactory._candles_map}))


def require_kind(annotation: Any, value: Any) -> Any:
    """Refuse what pydantic would take for a number or a switch although it is none: `levels: true`, `crash_guard: 1`.

    A number in quotes is taken: Hummingbot's API hands out the defaults of decimals that way (routers/controllers.py,
    get_controller_config_template).
    """
    if isinstance(value, bool) != (annotation is bool):
        raise PydanticCustomError("wrong_kind", "must be of another kind")
    return value
