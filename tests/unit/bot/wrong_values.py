"""Wrong values of conf/controllers and conf/scripts, and the sentence each is refused with.

Those of conf/sidecar.yml are in tests/unit/sidecar/test_config.py.
"""

from typing import Any

Row = tuple[dict[str, Any], str]
"""Changes of a sound file, and the sentence: field, value, what is allowed."""

FRACTION = "must be a fraction above 0 and below 0.5 (0.03 is 3 %)"
A_PAIR = "must be a trading pair such as BTC-USDT"
A_CONNECTOR = "must be a connector such as binance_paper_trade"
A_MONTH = "2592000"
QUOTE = "must be a number above 0 and at most 1000000000"
SWITCH = "must be true or false"
A_FILE = "must be the name of a file of conf/controllers, such as recovery_dca.yml"
A_SCRIPT = "must be a file of hummingbot_scripts, such as recovery_dca.py"
NAN, INFINITE = float("nan"), float("inf")

# By strategy; changes of its file for normal operation.
WRONG_IN_A_STRATEGY: dict[str, list[Row]] = {
    "dca": [
        # A percentage for a fraction.
        ({"drop_threshold": 3}, f"drop_threshold = 3: {FRACTION}"),
        ({"take_profit": 1}, f"take_profit = 1: {FRACTION}"),
        ({"stop_loss": 0.5}, f"stop_loss = 0.5: {FRACTION}"),
        ({"crash_drop_1h": 5}, f"crash_drop_1h = 5: {FRACTION} or null"),
        ({"take_profit": "3 %"}, f"take_profit = 3 %: {FRACTION}"),
        ({"take_profit": "0,03"}, f"take_profit = 0,03: {FRACTION}"),
        # Another kind of value.
        ({"take_profit": "much"}, f"take_profit = much: {FRACTION}"),
        ({"take_profit": ""}, f"take_profit = '': {FRACTION}"),
        ({"take_profit": None}, f"take_profit = null: {FRACTION}"),
        ({"take_profit": True}, f"take_profit = true: {FRACTION}"),
        ({"take_profit": [0.01]}, f"take_profit = [0.01]: {FRACTION}"),
        ({"take_profit": {"of": 0.01}}, f"take_profit = {{'of': 0.01}}: {FRACTION}"),
        ({"take_profit": NAN}, f"take_profit = nan: {FRACTION}"),
        ({"levels": True}, "levels = true: must be a whole number from 1 to 10"),
        ({"levels": "three"}, "levels = three: must be a whole number from 1 to 10"),
        ({"levels": "a\nb"}, r"levels = 'a\nb': must be a whole number from 1 to 10"),
        ({"levels": 2.5}, "levels = 2.5: must be a whole number from 1 to 10"),
        ({"levels": [3]}, "levels = [3]: must be a whole number from 1 to 10"),
        ({"levels": None}, "levels = null: must be a whole number from 1 to 10"),
        ({"phase": "two"}, "phase = two: must be a whole number from 1 to 4 or null"),
        ({"phase": True}, "phase = true: must be a whole number from 1 to 4 or null"),
        ({"phase": ""}, "phase = '': must be a whole number from 1 to 4 or null"),
        ({"manual_kill_switch": "yes"}, f"manual_kill_switch = 'yes': {SWITCH}"),
        ({"manual_kill_switch": 1}, f"manual_kill_switch = 1: {SWITCH}"),
        ({"manual_kill_switch": None}, f"manual_kill_switch = null: {SWITCH}"),
        ({"total_amount_quote": True}, f"total_amount_quote = true: {QUOTE}"),
        ({"total_amount_quote": INFINITE}, f"total_amount_quote = inf: {QUOTE}"),
        # Out of bounds.
        ({"drop_threshold": 0}, f"drop_threshold = 0: {FRACTION}"),
        ({"take_profit": -0.01}, f"take_profit = -0.01: {FRACTION}"),
        ({"levels": 0}, "levels = 0: must be a whole number from 1 to 10"),
        ({"levels": 11}, "levels = 11: must be a whole number from 1 to 10"),
        ({"lookback_s": 60}, "lookback_s = 60: must be a whole number from 600 to 86400"),
        ({"size_growth": 0}, "size_growth = 0: must be a number above 0 and at most 3"),
        ({"size_growth": 4}, "size_growth = 4: must be a number above 0 and at most 3"),
        ({"phase": 0}, "phase = 0: must be a whole number from 1 to 4 or null"),
        ({"phase": 5}, "phase = 5: must be a whole number from 1 to 4 or null"),
        ({"min_confidence": 1.5}, "min_confidence = 1.5: must be a number from 0 to 1"),
        ({"min_confidence": -0.1}, "min_confidence = -0.1: must be a number from 0 to 1"),
        ({"total_amount_quote": 0}, f"total_amount_quote = 0: {QUOTE}"),
        ({"total_amount_quote": -20}, f"total_amount_quote = -20: {QUOTE}"),
        ({"total_amount_quote": 1e30}, f"total_amount_quote = 1e+30: {QUOTE}"),
        ({"time_limit_s": 5}, f"time_limit_s = 5: must be a whole number from 60 to {A_MONTH}"),
        ({"time_limit_s": 10**15}, f"time_limit_s = {10**15}: must be a whole number from 60 to {A_MONTH}"),
        ({"max_positions": 0}, "max_positions = 0: must be a whole number from 1 to 1000"),
        ({"max_positions": 10**9}, f"max_positions = {10**9}: must be a whole number from 1 to 1000"),
        ({"cooldown_s": -1}, f"cooldown_s = -1: must be a whole number from 0 to {A_MONTH}"),
        (
            {"cooldown_after_stop_s": 0},
            f"cooldown_after_stop_s = 0: must be a whole number from 1 to {A_MONTH} or null",
        ),
        ({"stops_in_a_row": 0}, "stops_in_a_row = 0: must be a whole number from 1 to 100 or null"),
        ({"ban_s": 1}, f"ban_s = 1: must be a whole number from 60 to {A_MONTH}"),
        ({"leverage": 0}, "leverage = 0: must be a whole number from 1 to 125"),
        ({"leverage": 126}, "leverage = 126: must be a whole number from 1 to 125"),
        # Names.
        ({"trading_pair": "btc-usdt"}, f"trading_pair = btc-usdt: {A_PAIR}"),
        ({"trading_pair": "BTCUSDT"}, f"trading_pair = BTCUSDT: {A_PAIR}"),
        ({"trading_pair": "BTC-USDT\n"}, rf"trading_pair = 'BTC-USDT\n': {A_PAIR}"),
        ({"trading_pair": ["BTC-USDT"]}, f"trading_pair = ['BTC-USDT']: {A_PAIR}"),
        ({"crash_guard_pair": ""}, f"crash_guard_pair = '': {A_PAIR} or null"),
        ({"connector_name": ""}, f"connector_name = '': {A_CONNECTOR}"),
        ({"connector_name": None}, f"connector_name = null: {A_CONNECTOR}"),
        ({"connector_name": "Binance"}, f"connector_name = Binance: {A_CONNECTOR}"),
        ({"candles_connector": None}, "candles_connector = null: must be empty or a connector"),
        ({"interval": "2m"}, "interval = 2m: must be one of 1m, 3m, 5m, 15m, 30m, 1h"),
        ({"interval": 60}, "interval = 60: must be one of 1m, 3m, 5m, 15m, 30m, 1h"),
        ({"position_mode": "BOTH"}, "position_mode = BOTH: must be one of HEDGE, ONEWAY"),
        ({"position_mode": None}, "position_mode = null: must be one of HEDGE, ONEWAY"),
        ({"id": "other"}, "id = other: must be the file's name, probe"),
        ({"id": None}, "id = null: must be the file's name, probe"),
        ({"id": 5}, "id = 5: must be the file's name, probe"),
        ({"controller_type": "generic"}, "controller_type = generic: must be one of directional_trading"),
        ({"controller_type": ["x"]}, "controller_type = ['x']: must be one of directional_trading"),
        (
            {"controller_name": "recovery_dcaa"},
            "controller_name = recovery_dcaa: must be one of recovery_channel, recovery_dca, recovery_swing",
        ),
        (
            {"controller_name": "../../conf"},
            "controller_name = ../../conf: must be one of recovery_channel, recovery_dca, recovery_swing",
        ),
        # No settings of ours.
        ({"stop_los": 0.04}, "stop_los = 0.04: there is no such setting; the nearest is stop_loss"),
        ({"drop_treshold": 0.03}, "drop_treshold = 0.03: there is no such setting; the nearest is drop_threshold"),
        ({"atr_length": 14}, "atr_length = 14: there is no such setting; there are those of RecoveryDcaConfig"),
        ({"candles_config": [1]}, "candles_config = [1]: must be left out, it follows from the rest"),
        ({"initial_positions": [1]}, "initial_positions = [1]: must be left out, it follows from the rest"),
        # Settings that contradict each other.
        ({"leverage": 2}, "leverage = 2: must be 1 on spot"),
        (
            {"trailing_activation": 0.005},
            "trailing_delta = null: must be a fraction where trailing_activation is one, or both null",
        ),
        (
            {"trailing_delta": 0.005},
            "trailing_activation = null: must be a fraction where trailing_delta is one, or both null",
        ),
        (
            {"trailing_activation": 0.005, "trailing_delta": 0.006},
            "trailing_delta = 0.006: must not exceed trailing_activation = 0.005, or the stop would lie below the entry",
        ),
        (
            {"trailing_activation": 0.01, "trailing_delta": 0.005, "take_profit": 0.01},
            "trailing_activation = 0.01: must be below take_profit = 0.01, or that closes the position first",
        ),
        (
            {"crash_guard_pair": None},
            f"crash_guard_pair = null: {A_PAIR} where a crash_drop is set, or all of them null",
        ),
        (
            dict.fromkeys(("crash_drop_1h", "crash_drop_4h", "crash_drop_24h")),
            "crash_guard_pair = BTC-USDT: must go with at least one of crash_drop_1h, crash_drop_4h, crash_drop_24h, or "
            "be null",
        ),
        (
            {"stops_in_a_row": 3, "cooldown_after_stop_s": 3600, "ban_s": 3600},
            "ban_s = 3600: must exceed cooldown_after_stop_s = 3600, or a ban changes nothing",
        ),
        (
            {"levels": 10, "level_spacing": 0.1},
            "level_spacing = 0.1: must keep the last of levels = 10 less than 0.5 below the first, where it would be 0.9",
        ),
        (
            {"lookback_s": 4000, "interval": "1h"},
            "lookback_s = 4000: must be a multiple of 3600, the seconds of interval = 1h",
        ),
    ],
    "swing": [
        ({"breakout_threshold": 3}, f"breakout_threshold = 3: {FRACTION}"),
        ({"breakout_candles": 1}, "breakout_candles = 1: must be a whole number from 2 to 200"),
        ({"volume_candles": 10**6}, f"volume_candles = {10**6}: must be a whole number from 2 to 200"),
        ({"rsi_length": 1}, "rsi_length = 1: must be a whole number from 2 to 23"),
        ({"atr_length": 10**6}, f"atr_length = {10**6}: must be a whole number from 2 to 23"),
        ({"atr_stop": 0.5}, "atr_stop = 0.5: must be a number from 1 to 10"),
        ({"reward_to_risk": 0}, "reward_to_risk = 0: must be a number above 0 and at most 10"),
        ({"structure_candles": 0}, "structure_candles = 0: must be a whole number from 1 to 100"),
        ({"interval": "1d"}, "interval = 1d: must be one of 1m, 3m, 5m, 15m, 30m, 1h"),
        (
            {"ema_fast": 20, "ema_slow": 20},
            "ema_fast = 20: must be below ema_slow = 20, or a rise counts as a fall",
        ),
        (
            {"min_take_profit": 0.05, "max_take_profit": 0.04},
            "min_take_profit = 0.05: must not exceed max_take_profit = 0.04",
        ),
        (
            {"min_stop_loss": 0.05, "max_stop_loss": 0.04},
            "min_stop_loss = 0.05: must not exceed max_stop_loss = 0.04",
        ),
        (
            {"trailing_activation": 0.2, "trailing_delta": 0.1, "max_take_profit": 0.1},
            "trailing_activation = 0.2: must be below max_take_profit = 0.1, or that closes the position first",
        ),
        (
            {"drop_threshold": 0.03},
            "drop_threshold = 0.03: there is no such setting; the nearest is breakout_threshold",
        ),
    ],
    "channel": [
        ({"strength_threshold": 1.1}, "strength_threshold = 1.1: must be a number above 0 and at most 1"),
        ({"strength_threshold": 0}, "strength_threshold = 0: must be a number above 0 and at most 1"),
        ({"channel_candles": 19}, "channel_candles = 19: must be a whole number from 20 to 500"),
        ({"pivot_span": 51}, "pivot_span = 51: must be a whole number from 1 to 50"),
        ({"entry_zone": 0.5}, f"entry_zone = 0.5: {FRACTION}"),
        ({"line_tolerance": 15}, f"line_tolerance = 15: {FRACTION}"),
        ({"stop_distance": 2.5}, "stop_distance = 2.5: must be a number above 0 and at most 2"),
        (
            {"round_trip_cost": 0.2, "stop_loss": 1},
            "stop_loss = 1: there is no such setting; the nearest is min_stop_loss",
        ),
        (
            {"stop_distance": 0.1, "line_tolerance": 0.1},
            "stop_distance = 0.1: must exceed line_tolerance = 0.1, or a signal may lie beyond its own stop",
        ),
        (
            {"channel_candles": 20, "pivot_span": 10},
            "channel_candles = 20: must exceed twice pivot_span = 10, or there are no pivots",
        ),
    ],
}

# Changes of recovery_dca.yml.
WRONG_IN_A_SCRIPT: list[Row] = [
    ({"script_file_name": "recovery_dca"}, f"script_file_name = recovery_dca: {A_SCRIPT}"),
    ({"script_file_name": ""}, f"script_file_name = '': {A_SCRIPT}"),
    ({"script_file_name": None}, f"script_file_name = null: {A_SCRIPT}"),
    ({"controllers_config": []}, "controllers_config = []: must be a list of files of conf/controllers"),
    ({"controllers_config": {"a": 1}}, "controllers_config = {'a': 1}: must be a list of files of conf/controllers"),
    ({"controllers_config": [5]}, "controllers_config.0 = 5: must be text"),
    ({"controllers_config": ["recovery_dca"]}, f"controllers_config.0 = recovery_dca: {A_FILE}"),
    (
        {"controllers_config": ["../scripts/recovery_dca.yml"]},
        f"controllers_config.0 = ../scripts/recovery_dca.yml: {A_FILE}",
    ),
    (
        {"controllers_config": ["recovery_dca.yml"] * 2},
        "controllers_config = ['recovery_dca.yml', 'recovery_dca.yml']: must name each once",
    ),
    ({"pairs": []}, "pairs = []: must be a list of trading pairs"),
    ({"pairs": "BTC-USDT"}, "pairs = BTC-USDT: must be a list of trading pairs"),
    ({"pairs": None}, "pairs = null: must be a list of trading pairs"),
    ({"pairs": ["BTC-USDT", "btc-usdt"]}, f"pairs.1 = btc-usdt: {A_PAIR}"),
    ({"pairs": [7]}, "pairs.0 = 7: must be text"),
    ({"pairs": ["BTC-USDT", "BTC-USDT"]}, "pairs = ['BTC-USDT', 'BTC-USDT']: must name each once"),
    ({"max_positions": 0}, "max_positions = 0: must be a whole number from 1 to 1000"),
    ({"max_positions": True}, "max_positions = true: must be a whole number from 1 to 1000"),
    ({"max_positions": 10**30}, f"max_positions = {10**30}: must be a whole number from 1 to 1000"),
    ({"max_positions_per_pair": 1.5}, "max_positions_per_pair = 1.5: must be a whole number from 1 to 1000"),
    ({"max_positions_per_pair": None}, "max_positions_per_pair = null: must be a whole number from 1 to 1000"),
    (
        {"max_positions_per_strategy": 0},
        "max_positions_per_strategy = 0: must be a whole number from 1 to 1000 or null",
    ),
    ({"capital_quote": 0}, f"capital_quote = 0: {QUOTE}"),
    ({"capital_quote": -3000}, f"capital_quote = -3000: {QUOTE}"),
    ({"capital_quote": NAN}, f"capital_quote = nan: {QUOTE}"),
    ({"capital_quote": "lots"}, f"capital_quote = lots: {QUOTE}"),
    ({"exposure_per_pair_quote": 0}, f"exposure_per_pair_quote = 0: {QUOTE} or null"),
    ({"connector_name": ""}, f"connector_name = '': {A_CONNECTOR} or null"),
    ({"connector_name": 7}, f"connector_name = 7: {A_CONNECTOR} or null"),
    ({"crash_guard": "off"}, f"crash_guard = 'off': {SWITCH}"),
    ({"crash_guard": 0}, f"crash_guard = 0: {SWITCH}"),
    ({"crash_guard": None}, f"crash_guard = null: {SWITCH}"),
    ({"follow_phase": 2}, f"follow_phase = 2: {SWITCH}"),
    ({"pair": "BTC-USDT"}, "pair = BTC-USDT: there is no such setting; the nearest is pairs"),
    (
        {"markets": {"binance": ["BTC-USDT"]}},
        "markets = {'binance': ['BTC-USDT']}: must stay empty, it is derived from the controllers",
    ),
    ({"candles_config": [1]}, "candles_config = [1]: must stay empty, it is derived from the controllers"),
    (
        {"max_positions": 2, "max_positions_per_pair": 3},
        "max_positions_per_pair = 3: must not exceed max_positions = 2",
    ),
    (
        {"max_positions": 2, "max_positions_per_strategy": 3},
        "max_positions_per_strategy = 3: must not exceed max_positions = 2",
    ),
    (
        {"capital_quote": 2000, "exposure_per_pair_quote": 2001},
        "exposure_per_pair_quote = 2001: must not exceed capital_quote = 2000",
    ),
    (
        {"capital_quote": 2000, "exposure_per_strategy_quote": 2001},
        "exposure_per_strategy_quote = 2001: must not exceed capital_quote = 2000",
    ),
]
