"""How rows of the legacy system's tables become rows of ours: SQL made from the columns that are found.

Nothing is guessed. What the columns do not tell is asked for (AdoptionOptions), and a row that has no place in our tables is
given the reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.adapters.postgres.legacy_columns import SCHEMA, LegacyColumns, LegacyShapeError, literal, literals
from shared.domain.signals import Side
from shared.domain.stored import Timeframe

# A row with this reason is not at fault: an option is missing.
QUOTE_UNKNOWN = "the symbol does not tell its quote currency"

# As they are written: at exchanges 1M is a month.
TIMEFRAMES = {"1m": ("1m", "1min"), "15m": ("15m", "15min"), "1h": ("1h", "1hour", "60min")}
_SIDES = {"BUY": ("BUY", "LONG"), "SELL": ("SELL", "SHORT")}
_DECISIONS = {
    "taken": ("take", "taken"),
    "refused": ("refuse", "refused", "reject", "rejected"),
    "no_signal": ("no_signal", "skip", "skipped", "near_miss"),
}
# Without a separator or Polygon's prefix an ending may belong to a name: WBTC, STETH, PYUSD.
_PAIR = "^[A-Z0-9]+[-/]([A-Z][A-Z0-9]*)$"
_NO_QUOTES = ("PERP", "PERPETUAL", "SWAP", "SPOT")
_POLYGON_PAIR = "^X:.+?(USDT|USDC|USD|EUR|GBP|JPY|AUD|CAD|BTC|ETH)$"
_LONGEST_KEY = 200  # bytes; an index takes no more than 2,700

# Conditions over a translated row, each with the SQL of its reason.
_Refusal = tuple[str, str]
_NO_TIME: _Refusal = (
    """("timestamp" >= '1970-01-01 00:00+00' AND "timestamp" <= now()) IS NOT TRUE""",
    """CASE WHEN "timestamp" IS NULL THEN 'no time' WHEN "timestamp" > now() THEN 'the time has not come yet'
       ELSE 'the time is before 1970' END""",
)
_NO_SYMBOL: _Refusal = (
    f"coalesce(octet_length(symbol), 0) NOT BETWEEN 1 AND {_LONGEST_KEY}",
    "'no symbol, or one too long'",
)
_NO_CANDLE: _Refusal = (
    "(low > 0 AND low <= open AND low <= close AND open <= high AND close <= high AND high < 'infinity') IS NOT TRUE",
    "'no candle has such prices'",
)
_NO_VOLUME: _Refusal = ("(volume >= 0 AND volume < 'infinity') IS NOT TRUE", "'the volume is missing or no amount'")
_NO_OPEN: _Refusal = (
    """date_bin(
        CASE timeframe WHEN '1m' THEN interval '1 minute' WHEN '15m' THEN interval '15 minutes' ELSE interval '1 hour' END,
       "timestamp", '2000-01-01 00:00+00') <> "timestamp" """,
    "'the time is not the open of a candle'",
)
_NO_QUOTE: _Refusal = ("quote_currency IS NULL", literal(QUOTE_UNKNOWN))
_NO_PRICE: _Refusal = ("(price > 0 AND price < 'infinity') IS NOT TRUE", "'the price is missing or no price'")
_NO_REASON: _Refusal = ("decision = 'refused' AND reason IS NULL", "'refused without a reason'")
_NO_CONFIDENCE: _Refusal = (
    "(confidence BETWEEN 0 AND 1) IS NOT TRUE",
    "'the confidence is missing or not within 0 and 1'",
)
_LONG_FEATURE_SET: _Refusal = (
    f"octet_length(feature_set) > {_LONGEST_KEY}",
    "'the name of the feature set is too long'",
)


@dataclass(frozen=True)
class AdoptionOptions:
    """What legacy tables may not tell.

    Attributes:
        quote: Quote currency of candles whose symbol does not tell it.
        side: Side of scans, where there is no column of it.
        timeframe: Timeframe of features, where there is no column of it.
    """

    quote: str | None = None
    side: Side | None = None
    timeframe: Timeframe | None = None


@dataclass(frozen=True)
class Translation:
    """How the rows of one legacy table become rows of ours.

    Attributes:
        table: Its name, and that of ours.
        values: By column of ours, an SQL expression over the legacy row `old`. `seq` is not among them.
        told: Further expressions over `old` that `refusal` speaks of, by name.
        refusal: An expression over `values` and `told`: why the row has no place, or null.
        dataset: An expression over `values`: what retention keeps the row as.
        key: Columns that tell two rows apart; empty where every row is its own and is numbered.
        left_behind: Columns that ours have no place for.
    """

    table: str
    values: Mapping[str, str]
    told: Mapping[str, str]
    refusal: str
    dataset: str
    key: tuple[str, ...]
    left_behind: tuple[str, ...] = ()

    @property
    def judged(self) -> str:
        """A query: the rows of the blocks [$1, $2) as ours, each with its `place` and its `refusal`."""
        columns = ", ".join(f'{sql} AS "{name}"' for name, sql in {**self.values, **self.told}.items())
        return f"""
            SELECT *, {self.refusal} AS refusal FROM (
                SELECT old.ctid AS place, {columns} FROM {SCHEMA}.{self.table} old
                WHERE old.ctid >= format('(%s,0)', $1::bigint)::tid AND old.ctid < format('(%s,0)', $2::bigint)::tid
                OFFSET 0 -- a barrier: no expression is evaluated twice
            ) translated
        """


def translation(table: str, types: Mapping[str, str], options: AdoptionOptions) -> Translation:
    """How a legacy table's rows become ours.

    Args:
        table: One of TRANSLATED.
        types: By column, its type as `format_type` writes it, without length.
        options: What the columns may not tell.

    Raises:
        LegacyShapeError: A column is missing or of another type, and no option stands in for it.
    """
    return TRANSLATED[table](LegacyColumns(table, types), options)


def _candles(columns: LegacyColumns, options: AdoptionOptions) -> Translation:
    timeframe = columns.needed(columns.text("timeframe"), "timeframe")
    symbol = columns.needed(columns.text("symbol"), "symbol")
    amounts = {name: columns.needed(columns.number(name), name) for name in ("open", "high", "low", "close", "volume")}
    pair = f"substring(upper({symbol}) FROM {literal(_PAIR)})"
    quotes = [
        f"nullif({columns.text('quote_currency', 'quote') or 'NULL'}, '')",
        f"substring(upper({symbol}) FROM {literal(_POLYGON_PAIR)})",
        f"CASE WHEN {pair} NOT IN ({literals(_NO_QUOTES)}) THEN {pair} END",
        literal(options.quote) if options.quote else "NULL",
    ]
    values = {
        "symbol": symbol,
        "timeframe": _by_name(timeframe, TIMEFRAMES),
        "timestamp": columns.needed(columns.time("timestamp"), "timestamp"),
        **amounts,
        "source": _or_legacy(columns.text("source", "provider", "data_source")),
        "quote_currency": f"coalesce({', '.join(quotes)})",
    }
    refusals = (_NO_TIME, _NO_SYMBOL, _unknown("timeframe"), _NO_CANDLE, _NO_VOLUME, _NO_OPEN, _NO_QUOTE)
    return Translation(
        table="ohlc_data",
        values=values,
        told={"told_timeframe": timeframe},
        refusal=_first_of(*refusals),
        dataset="'ohlc_' || timeframe",
        key=("symbol", "timeframe", "source", "timestamp"),
        left_behind=tuple(columns.rest()),
    )


def _scans(columns: LegacyColumns, options: AdoptionOptions) -> Translation:
    side = columns.text("side", "direction")
    if side is None and options.side is None:
        raise LegacyShapeError(
            f"{SCHEMA}.scan_history: has no column side, and for which side its scans were cannot be known; "
            "give --side BUY or --side SELL"
        )
    told_side = side or literal(str(options.side))
    told_decision = columns.needed(columns.text("decision"), "decision")
    decision = _by_name(f"lower({told_decision})", _DECISIONS)
    features = columns.json_object("feature_values", "features")
    price = columns.number("price", "current_price", "close")
    values = {
        "run_id": "'00000000-0000-0000-0000-000000000000'::uuid",
        "timestamp": columns.needed(columns.time("timestamp"), "timestamp"),
        "controller_id": _or_legacy(columns.text("controller_id")),
        "strategy": _or_legacy(columns.text("strategy", "strategy_name")),
        "symbol": columns.needed(columns.text("symbol"), "symbol"),
        "side": _by_name(f"upper({told_side})", _SIDES),
        "decision": decision,
        "reason": f"nullif({columns.text('reason') or 'NULL'}, '')",
        "price": price or _number_in(features, "price", "current_price", "close"),
        # What was no signal had no strength; that of a signal must be known.
        "confidence": f"coalesce({columns.number('confidence', 'ml_confidence') or 'NULL'}, "
        f"CASE WHEN {decision} = 'no_signal' THEN 0 END)::double precision",
        "thresholds": f"coalesce({columns.json_object('thresholds', 'thresholds_used') or 'NULL'}, '{{}}'::jsonb)",
    }
    refusals = (_NO_TIME, _NO_SYMBOL, _unknown("side"), _unknown("decision"), _NO_REASON, _NO_PRICE, _NO_CONFIDENCE)
    return Translation(
        table="scan_history",
        values={**values, "feature_values": _gathered(columns, features)},
        told={"told_side": told_side, "told_decision": told_decision},
        refusal=_first_of(*refusals),
        dataset="'scan_history'",
        key=(),
    )


def _features(columns: LegacyColumns, options: AdoptionOptions) -> Translation:
    timeframe = columns.text("timeframe")
    if timeframe is None and options.timeframe is None:
        raise LegacyShapeError(
            f"{SCHEMA}.ml_features: has no column timeframe, and of which candles its features are cannot be known; "
            "give --timeframe 1m, 15m or 1h"
        )
    told_timeframe = timeframe or literal(str(options.timeframe))
    features = columns.json_object("feature_values", "features")
    values = {
        "symbol": columns.needed(columns.text("symbol"), "symbol"),
        "timeframe": _by_name(told_timeframe, TIMEFRAMES),
        "timestamp": columns.needed(columns.time("timestamp"), "timestamp"),
        "feature_set": _or_legacy(columns.text("feature_set")),
    }
    return Translation(
        table="ml_features",
        values={**values, "feature_values": _gathered(columns, features)},
        told={"told_timeframe": told_timeframe},
        refusal=_first_of(_NO_TIME, _NO_SYMBOL, _unknown("timeframe"), _LONG_FEATURE_SET),
        dataset="'ml_features'",
        key=("symbol", "timeframe", "timestamp", "feature_set"),
    )


TRANSLATED: Mapping[str, Callable[[LegacyColumns, AdoptionOptions], Translation]] = {
    "ohlc_data": _candles,
    "scan_history": _scans,
    "ml_features": _features,
}


def _unknown(name: str) -> _Refusal:
    return f"{name} IS NULL", f"'{name} ' || coalesce(quote_literal(left(told_{name}, 20)), 'is missing')"


def _first_of(*refusals: _Refusal) -> str:
    return "CASE " + " ".join(f"WHEN {condition} THEN {reason}" for condition, reason in refusals) + " END"


def _by_name(told: str, names: Mapping[str, tuple[str, ...]]) -> str:
    cases = " ".join(f"WHEN {told} IN ({literals(others)}) THEN '{ours}'" for ours, others in names.items())
    return f"CASE {cases} END"


def _or_legacy(told: str | None) -> str:
    return f"coalesce(nullif({told or 'NULL'}, ''), 'legacy')"


def _number_in(json: str | None, *keys: str) -> str:
    """The first of the keys that is a number in a JSON object."""
    if json is None:
        return "NULL::numeric"
    numbers = (
        f"CASE jsonb_typeof({json} -> '{key}') WHEN 'number' THEN ({json} ->> '{key}')::numeric END" for key in keys
    )
    return f"coalesce({', '.join(numbers)})"


def _gathered(columns: LegacyColumns, features: str | None) -> str:
    """The features, and beside them every column we do not know."""
    told = [f"coalesce({features}, '{{}}'::jsonb)"] if features else []
    return " || ".join([*columns.rest_as_json(), *told]) or "'{}'::jsonb"
