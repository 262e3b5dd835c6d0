"""What a strategy's settings must be to each other: a field by itself is checked where it stands (`config_fields`)."""

from typing import Any

from shared.bot import feed_candles
from shared.bot.config_fields import A_PAIR


def require_sound(config: Any) -> None:
    """Refuse settings that do not go together.

    Raises:
        ValueError: One sentence: field, value, what is allowed.
    """
    _require_sound_trailing(config)
    _require_sound_protections(config)
    if config.leverage > 1 and not config.is_perpetual:
        raise ValueError(f"leverage = {config.leverage}: must be 1 on spot")
    if feed_candles.serves(config.candles_connector):
        _require_served(config)


def _require_served(config: Any) -> None:
    most, needed = feed_candles.most_records(config.interval), config.candles.max_records
    if needed > most:
        raise ValueError(
            f"candles_connector = {config.candles_connector}: must be another where more than {most} candles of interval = "
            f"{config.interval} are looked at, here {needed}"
        )


def _require_sound_trailing(config: Any) -> None:
    activation, delta = config.trailing_activation, config.trailing_delta
    if (activation is None) != (delta is None):
        unset, other = sorted(
            ("trailing_activation", "trailing_delta"), key=lambda name: getattr(config, name) is not None
        )
        raise ValueError(f"{unset} = null: must be a fraction where {other} is one, or both null")
    if activation is None or delta is None:
        return
    if delta > activation:
        raise ValueError(
            f"trailing_delta = {delta}: must not exceed trailing_activation = {activation}, or the stop would lie "
            "below the entry"
        )
    if config.target_field is not None and activation >= getattr(config, config.target_field):
        raise ValueError(
            f"trailing_activation = {activation}: must be below {config.target_field} = "
            f"{getattr(config, config.target_field)}, or that closes the position first"
        )


def _require_sound_protections(config: Any) -> None:
    if config.crash_guard_pair is None and config.crash_drops:
        raise ValueError(f"crash_guard_pair = null: must be {A_PAIR} where a crash_drop is set, or all of them null")
    if config.crash_guard_pair is not None and not config.crash_drops:
        raise ValueError(
            f"crash_guard_pair = {config.crash_guard_pair}: must go with at least one of crash_drop_1h, crash_drop_4h, "
            "crash_drop_24h, or be null"
        )
    cooldown_s = config.cooldown_after_stop_s
    if config.stops_in_a_row is not None and cooldown_s is not None and config.ban_s <= cooldown_s:
        raise ValueError(
            f"ban_s = {config.ban_s}: must exceed cooldown_after_stop_s = {cooldown_s}, or a ban changes nothing"
        )
