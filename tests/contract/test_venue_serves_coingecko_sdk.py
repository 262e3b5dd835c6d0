"""CoinGecko's own client, unmodified, against the local venue: only its base URL is changed."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from coingecko_sdk import AsyncCoingecko, AuthenticationError, BadRequestError, NotFoundError, RateLimitError

from shared.simulator.bar_book import USD_PER_USDT
from shared.simulator.coingecko_server import DEMO_CALLS_PER_MINUTE
from shared.simulator.fault_kinds import Kind, Where
from shared.simulator.faults import Fault
from shared.simulator.scenario import DEFAULT_START_MS, simulated
from shared.simulator.server import COINGECKO_PREFIX, COINGECKO_PRO_PREFIX, VenueServer
from shared.simulator.venue import Venue
from tests.virtual import on_virtual_clock

PAIRS = ["BTC-USDT", "SOL-USDT"]
DAY_S = 86_400
HALF_HOUR_MS = 1_800_000
NOW_S = DEFAULT_START_MS // 1000 + 95  # in the middle of a minute


def against_the_venue(
    use: Callable[[AsyncCoingecko, Venue, VenueServer], Awaitable[None]],
    prefix: str = COINGECKO_PREFIX,
    demo_key: str | None = "CG-demo",
    pro_key: str | None = None,
) -> None:
    async def run() -> None:
        venue = simulated(PAIRS, duration_s=3600, warmup_s=3 * DAY_S)
        server = VenueServer(venue)
        await server.start()
        url = f"{server.base_url}{prefix}/api/v3"
        try:
            async with AsyncCoingecko(
                demo_api_key=demo_key, pro_api_key=pro_key, base_url=url, max_retries=0, timeout=30
            ) as client:
                await use(client, venue, server)
        finally:
            await server.stop()

    on_virtual_clock(run(), NOW_S)


def test_prices_are_the_venues_of_the_last_whole_minute_in_usd() -> None:
    async def use(client: AsyncCoingecko, venue: Venue, _: VenueServer) -> None:
        assert (await client.ping.get()).gecko_says
        prices = await client.simple.price.get(
            ids="bitcoin,solana,nothing-at-all", vs_currencies="usd", include_last_updated_at=True, precision="full"
        )
        assert set(prices) == {"bitcoin", "solana"}
        as_of_ms = (NOW_S - NOW_S % 60) * 1000
        market = venue.market(False, "BTCUSDT")
        last = market.path.price_ticks[market.path.index_at(as_of_ms - 1)]
        expected = float(last) * float(market.instrument.tick_size) * float(USD_PER_USDT)
        assert prices["bitcoin"].usd == pytest.approx(expected, abs=0.01)
        assert prices["bitcoin"].last_updated_at == as_of_ms // 1000

    against_the_venue(use)


def test_symbols_are_ambiguous_and_ids_are_not() -> None:
    async def use(client: AsyncCoingecko, _: Venue, __: VenueServer) -> None:
        listed = await client.coins.list.get()
        assert len({coin.id for coin in listed}) == len(listed)
        assert sorted(coin.id for coin in listed if coin.symbol == "sol") == ["solana", "wrapped-solana"]

    against_the_venue(use)


@pytest.mark.parametrize(("days", "length_ms", "count"), [("1", HALF_HOUR_MS, 48), ("7", 8 * HALF_HOUR_MS, 18)])
def test_candles_are_coarse_and_stamped_at_their_close(days: str, length_ms: int, count: int) -> None:
    async def use(client: AsyncCoingecko, venue: Venue, _: VenueServer) -> None:
        rows = await client.coins.ohlc.get("bitcoin", days=days, vs_currency="usd")
        closes_ms = [int(row[0]) for row in rows]
        assert closes_ms[-1] == DEFAULT_START_MS, "the last one that is over"
        assert closes_ms == list(range(closes_ms[0], closes_ms[-1] + 1, length_ms))
        assert len(rows) == count, "as far as the market reaches back"
        market = venue.market(False, "BTCUSDT")
        kline = market.klines(length_ms // 1000, closes_ms[-1] - length_ms, closes_ms[-1] - length_ms)
        ticks = [kline.open[0], kline.high[0], kline.low[0], kline.close[0]]
        scale = float(market.instrument.tick_size) * float(USD_PER_USDT)
        assert rows[-1][1:] == pytest.approx([float(price) * scale for price in ticks], abs=0.01)

    against_the_venue(use)


def test_finer_candles_belong_to_those_who_pay() -> None:
    async def refused(client: AsyncCoingecko, _: Venue, __: VenueServer) -> None:
        with pytest.raises(AuthenticationError, match="10005"):
            await client.coins.ohlc.get("bitcoin", days="1", vs_currency="usd", interval="hourly")

    async def served(client: AsyncCoingecko, _: Venue, __: VenueServer) -> None:
        rows = await client.coins.ohlc.get("bitcoin", days="1", vs_currency="usd", interval="hourly")
        assert len(rows) == 24

    against_the_venue(refused)
    against_the_venue(served, COINGECKO_PRO_PREFIX, demo_key=None, pro_key="CG-pro")


@pytest.mark.parametrize(
    ("prefix", "demo_key", "pro_key", "error", "code"),
    [
        (COINGECKO_PREFIX, None, "CG-pro", BadRequestError, "10010"),
        (COINGECKO_PRO_PREFIX, "CG-demo", None, BadRequestError, "10011"),
    ],
)
def test_a_key_at_the_wrong_host_is_refused(
    prefix: str, demo_key: str | None, pro_key: str | None, error: type[Exception], code: str
) -> None:
    async def use(client: AsyncCoingecko, _: Venue, __: VenueServer) -> None:
        with pytest.raises(error, match=code):
            await client.ping.get()

    against_the_venue(use, prefix, demo_key, pro_key)


def test_parameters_that_are_missing_and_coins_nobody_knows() -> None:
    async def use(client: AsyncCoingecko, _: Venue, __: VenueServer) -> None:
        with pytest.raises(NotFoundError, match="coin not found"):
            await client.coins.ohlc.get("nothing-at-all", days="1", vs_currency="usd")
        with pytest.raises(Exception, match="Missing parameter ids"):
            await client.simple.price.get(vs_currencies="usd")

    against_the_venue(use)


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    async def use(client: AsyncCoingecko, _: Venue, __: VenueServer) -> None:
        for _call in range(DEMO_CALLS_PER_MINUTE):
            await client.ping.get()
        with pytest.raises(RateLimitError) as caught:
            await client.ping.get()
        wait_s = int(caught.value.response.headers["Retry-After"])
        assert wait_s == 60 - NOW_S % 60
        await asyncio.sleep(wait_s)
        await client.ping.get()

    against_the_venue(use)


def test_a_fault_reaches_the_client() -> None:
    async def use(client: AsyncCoingecko, _: Venue, server: VenueServer) -> None:
        server.faults.add(Fault(where=Where.COINGECKO, kind=Kind.STATUS, status=429, retry_after_s=7))
        with pytest.raises(RateLimitError) as caught:
            await client.ping.get()
        assert caught.value.response.headers["Retry-After"] == "7"
        server.faults.add(Fault(where=Where.COINGECKO, kind=Kind.UNKNOWN_SYMBOL, symbol="BTC-USD"))
        assert set(await client.simple.price.get(ids="bitcoin,solana", vs_currencies="usd")) == {"solana"}
        server.faults.add(Fault(where=Where.COINGECKO, kind=Kind.CLOCK_SKEW, skew_s=30))
        price = await client.simple.price.get(ids="solana", vs_currencies="usd", include_last_updated_at=True)
        assert price["solana"].last_updated_at == NOW_S - NOW_S % 60 + 30

    against_the_venue(use)
