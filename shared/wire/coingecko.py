"""CoinGecko's REST interface: prices of now, and coarse ranges of prices. It has no bars that a strategy could use.

Source: docs.coingecko.com: simple/price, coins/list, coins/{id}/ohlc, errors; its own client, `coingecko_sdk`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote, urlsplit

import msgspec

from shared.ports import FeedClosed, FeedError
from shared.wire.history_pages import BadRow, checked
from shared.wire.rest_answer import Answer, Question, decode, failure, one_line, unreadable, words

SOURCE = "coingecko"
# Keys of the paid plans work at another host than those of the free one, and in another header.
_PAID_HOST = "pro-"
# Its words for a key that belongs to the other host, is missing, or whose plan lacks what was asked.
_KEY_ERRORS = (10002, 10005, 10006, 10010, 10011)
# Length of a range, by the days asked for.
_RANGE_S = {1: 1800, 7: 14_400, 14: 14_400, 30: 14_400, 90: 345_600, 180: 345_600, 365: 345_600}
_UPDATED, _MARKET_CAP = "last_updated_at", "usd_market_cap"


class _Coin(msgspec.Struct):
    id: str
    symbol: str


class _Range(msgspec.Struct, array_like=True):
    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


class _Said(msgspec.Struct):
    error_code: int = 0
    error_message: str = ""


class _Failure(msgspec.Struct):
    status: _Said = msgspec.field(default_factory=_Said)
    error: str = ""
    error_code: int = 0


_PRICES = msgspec.json.Decoder(dict[str, dict[str, Decimal | None]])
_COINS = msgspec.json.Decoder(list[_Coin])
_RANGES = msgspec.json.Decoder(list[_Range])
_FAILURE = msgspec.json.Decoder(_Failure)


@dataclass(frozen=True, slots=True)
class CoinPrice:
    """What one coin is worth.

    Attributes:
        by_currency: Price by currency in lower case; those it has none in are left out.
        market_cap_usd: None where it was not asked for or is not known.
        updated_at_s: UTC epoch seconds.
    """

    by_currency: Mapping[str, Decimal]
    market_cap_usd: Decimal | None
    updated_at_s: int


@dataclass(frozen=True, slots=True)
class PriceRange:
    """What a coin's price did in a stretch of half an hour to four days. No bar: it has no volume, and is no minute.

    Attributes:
        open_ms: UTC epoch milliseconds, as is `close_ms`, which is what CoinGecko stamps it with.
        open: In US dollars, as are high, low and close.
    """

    open_ms: int
    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


def key_header(base_url: str) -> str:
    """The header a key goes in at an address: there is one for the paid plans' host and one for the other."""
    is_paid = (urlsplit(base_url).hostname or "").startswith(_PAID_HOST)
    return "x-cg-pro-api-key" if is_paid else "x-cg-demo-api-key"


def prices(coin_ids: Collection[str], currencies: Collection[str]) -> Question:
    """Ask what coins are worth, and their market capitalisation.

    Args:
        coin_ids: CoinGecko's own, e.g. "bitcoin".
        currencies: In lower case, e.g. "usd".
    """
    parameters = {
        "ids": ",".join(sorted(coin_ids)),
        "vs_currencies": ",".join(sorted(currencies)),
        "include_market_cap": "true",
        "include_last_updated_at": "true",
        "precision": "full",
    }
    return Question("/simple/price", parameters)


def read_prices(answer: Answer) -> dict[str, CoinPrice]:
    """Prices by coin id. A coin that is not known, or was not renewed ever, is left out.

    Raises:
        FeedUnavailable: Not now, or it cannot be read.
        FeedRefused: Not at all.
    """
    found = {}
    for coin_id, row in _read(answer, _PRICES).items():
        updated_at = row.pop(_UPDATED, None)
        if updated_at is None:
            continue
        try:
            numbers = {name: checked(value, coin_id) for name, value in row.items() if value is not None}
            updated_at_s = int(checked(updated_at, coin_id))
        except BadRow as error:
            raise unreadable(SOURCE, str(error), answer) from error
        priced = {name: value for name, value in numbers.items() if not name.endswith("_market_cap") and value > 0}
        found[coin_id] = CoinPrice(priced, numbers.get(_MARKET_CAP), updated_at_s)
    return found


def coins() -> Question:
    """Ask for all coins there are: some 2 MB."""
    return Question("/coins/list")


def read_coins(answer: Answer) -> dict[str, list[str]]:
    """Ids by symbol in upper case. One symbol often has several: anybody may call a coin BTC.

    Raises:
        FeedUnavailable, FeedRefused: As for `read_prices`.
    """
    ids: dict[str, list[str]] = {}
    for coin in _read(answer, _COINS):
        ids.setdefault(coin.symbol.upper(), []).append(coin.id)
    return ids


def ranges(coin_id: str, days: int) -> Question:
    """Ask for a coin's price ranges in US dollars.

    Args:
        days: How far back; 1 gives half hours, 7 to 30 four hours, more four days.
    """
    if days not in _RANGE_S:
        raise ValueError(f"days = {days}: must be one of {', '.join(map(str, _RANGE_S))}")
    return Question(f"/coins/{quote(coin_id, safe='')}/ohlc", {"vs_currency": "usd", "days": str(days)})


def read_ranges(days: int, answer: Answer) -> list[PriceRange]:
    """The answer to `ranges`, ascending. The last one may not be over yet.

    Raises:
        FeedUnavailable, FeedRefused: As for `read_prices`.
    """
    length_ms = _RANGE_S[days] * 1000
    found = []
    for row in _read(answer, _RANGES):
        try:
            numbers = [checked(value, str(row.close_ms)) for value in (row.open, row.high, row.low, row.close)]
        except BadRow as error:
            raise unreadable(SOURCE, str(error), answer) from error
        found.append(PriceRange(row.close_ms - length_ms, row.close_ms, *numbers))
    return sorted(found, key=lambda one: one.close_ms)


def _read[T](answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
    if answer.status != 200:
        raise _failed(answer)
    return decode(SOURCE, answer, decoder)


def _failed(answer: Answer) -> FeedError:
    said = words(answer, _FAILURE) or _Failure()
    text = one_line(said.status.error_message or said.error)
    if (said.status.error_code or said.error_code) in _KEY_ERRORS:
        return FeedClosed(
            f"{SOURCE}: {text or 'refused the key'}; check COINGECKO_API_KEY and feeds.coingecko.rest_url"
        )
    return failure(SOURCE, answer, text)
