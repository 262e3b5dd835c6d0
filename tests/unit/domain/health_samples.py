"""Facts of a sidecar that is well, to be made worse one at a time."""

from dataclasses import replace
from typing import Any

from shared.domain.feed_status import FeedStatus, Mode, PairStatus, SourceStatus
from shared.domain.health import Check
from shared.domain.health_facts import Activity, Facts, JournalLag, ProcessUse, ServiceFacts, Space
from shared.domain.health_rules import health_checks
from shared.domain.stored import ServiceState

GB = 10**9
POLYGON = SourceStatus(
    source="polygon",
    link="live",
    cause="",
    is_in_use=True,
    is_fit=True,
    newest_close_ms=1_795_437_600_000,
    connections_last_minute=0,
    reconnections=1,
    malformed=0,
    quarantined=0,
    clock_skew_ms=-12.0,
)
BINANCE = replace(POLYGON, source="binance", is_in_use=False, reconnections=0)
COINGECKO = replace(
    BINANCE, source="coingecko", link="rest", is_fit=False, newest_close_ms=None, clock_skew_ms=None, reconnections=0
)
PAIR = PairStatus(
    pair="BTC-USDT",
    mode=Mode.LIVE,
    source="polygon",
    symbol="BTC-USD",
    age_s=41.0,
    missing=0,
    empty=3,
    revised=1,
    mismatches=0,
)
FEEDS = FeedStatus(
    sources=(POLYGON, BINANCE, COINGECKO),
    pairs=(PAIR, replace(PAIR, pair="ETH-USDT", symbol="ETH-USD", empty=0, revised=0)),
    outbox_waiting=12,
    switches=0,
    shed=0,
)
SHIPPING = ServiceFacts("shipping", ServiceState.RUNNING, None, 7000.0, None, 0)
ACTIVITY = Activity(
    candles=1440,
    unevaluated=0,
    signals=9,
    taken=3,
    refused={"COOLDOWN": 4, "MAX_POSITIONS": 2},
    orders=8,
    failed={},
    fills=7,
    trades=3,
    newest_age_s=12.0,
)
FACTS = Facts(
    uptime_s=7260.0,
    phase=1,
    services=(SHIPPING,),
    feeds=FEEDS,
    stale_after_s=180.0,
    lag=JournalLag(0, 0.0),
    activity=ACTIVITY,
    database=Space(GB, 8 * GB),
    disk=Space(100 * GB, 400 * GB),
    process=ProcessUse(cpu=0.07, rss_bytes=180_000_000, open_files=48, open_files_limit=1024),
    errors={},
)


def checks_of(**changes: Any) -> dict[str, Check]:
    """The checks of those facts with some of them changed, by name."""
    return {check.name: check for check in health_checks(replace(FACTS, **changes))}


def check_of(name: str, **changes: Any) -> tuple[str, str]:
    """Level and reason of one of them; advice is there exactly where something is wrong."""
    check = checks_of(**changes)[name]
    assert bool(check.advice) == (check.level != "OK"), check
    return check.level, check.reason


def with_source(**changes: Any) -> FeedStatus:
    """The feeds with the preferred source changed."""
    return replace(FEEDS, sources=(replace(POLYGON, **changes), BINANCE, COINGECKO))


def with_pair(**changes: Any) -> FeedStatus:
    """The feeds with the first pair changed."""
    return replace(FEEDS, pairs=(replace(PAIR, **changes), *FEEDS.pairs[1:]))
