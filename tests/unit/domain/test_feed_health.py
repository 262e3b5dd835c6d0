"""Checks of the feeds: each fault of a source or a pair has its level, its reason and what to do."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.feed_status import FeedStatus, Mode
from shared.domain.health import Level
from shared.wire.stream import Link
from tests.unit.domain.health_samples import (
    BINANCE,
    FEEDS,
    POLYGON,
    check_of,
    checks_of,
    with_pair,
    with_source,
)

OK, WARN, FAIL = Level
NO_SOURCE = replace(FEEDS, sources=tuple(replace(each, is_in_use=False, is_fit=False) for each in FEEDS.sources))


def test_all_is_well() -> None:
    checks = checks_of()
    assert {check.level for check in checks.values()} == {OK}
    assert checks["feeds"].reason == "polygon in use, 0 switches, 2 pairs"
    assert checks["source polygon"].reason == "live; 1 reconnection"
    assert checks["source coingecko"].reason == "rest; 0 reconnections"
    assert checks["pair BTC-USDT"].reason == "polygon BTC-USD, 41 s old, 3 without a trade, 1 revised"


def test_a_home_without_feeds_has_no_checks_of_them() -> None:
    assert not {"feeds", "outbox", "source polygon"} & set(checks_of(feeds=None))


@pytest.mark.parametrize(
    ("feeds", "uptime_s", "level", "reason"),
    [
        (replace(FEEDS, pairs=()), 7260, OK, "no pair is asked for"),
        (NO_SOURCE, 60, OK, "starting"),
        (NO_SOURCE, 121, FAIL, "no source is fit: no new entries"),
        (
            replace(
                FEEDS,
                sources=(
                    replace(POLYGON, is_in_use=False, link="cooling", cause="too many connections"),
                    replace(BINANCE, is_in_use=True),
                ),
                switches=1,
            ),
            7260,
            WARN,
            "binance in use in place of polygon (too many connections), 1 switch, 2 pairs",
        ),
        (
            replace(FEEDS, shed=1),
            7260,
            WARN,
            "polygon in use, 0 switches, 2 pairs; 1 of them get fewer or longer bars because limits bite",
        ),
    ],
    ids=["nothing asked for", "starting", "no source", "another source", "shed"],
)
def test_the_source_in_use(feeds: FeedStatus, uptime_s: float, level: Level, reason: str) -> None:
    assert check_of("feeds", feeds=feeds, uptime_s=uptime_s) == (level, reason)


@pytest.mark.parametrize(
    ("changes", "level", "reason"),
    [
        ({"link": "refused", "cause": "the key is wrong"}, WARN, "refused: the key is wrong"),
        (
            {"link": "cooling", "cause": "too many connections"},
            WARN,
            "cooling down: too many connections; 1 reconnection",
        ),
        ({"link": "backing_off", "cause": "closed with 1006"}, WARN, "backing_off: closed with 1006; 1 reconnection"),
        ({"link": "connecting"}, WARN, "connecting: not connected yet; 1 reconnection"),
        ({"is_fit": False}, WARN, "live: its canary is late; 1 reconnection"),
        (
            {"link": "idle", "is_fit": False, "cause": "another host has it"},
            OK,
            "idle: another host has it; 1 reconnection",
        ),
        ({"clock_skew_ms": -2500.0}, WARN, "its clock and this machine's are 2.5 s apart"),
        ({"clock_skew_ms": 31_000.0}, FAIL, "its clock and this machine's are 31.0 s apart"),
        ({"connections_last_minute": 10, "cause": "closed"}, WARN, "10 connections in a minute: closed"),
        ({"malformed": 2, "quarantined": 1}, OK, "live; 1 reconnection, 2 malformed, 1 quarantined"),
    ],
)
def test_a_source(changes: dict[str, Any], level: Level, reason: str) -> None:
    assert check_of("source polygon", feeds=with_source(**changes)) == (level, reason)


def test_a_refusal_fails_where_no_other_source_is_fit() -> None:
    sources = (replace(POLYGON, link="refused", cause="the key is wrong", is_fit=False), replace(BINANCE, is_fit=False))
    assert check_of("source polygon", feeds=replace(FEEDS, sources=sources))[0] is FAIL


def test_a_source_that_has_just_begun_is_waited_for() -> None:
    assert check_of("source polygon", feeds=with_source(link="connecting", is_fit=False), uptime_s=5)[0] is OK


def test_every_link_of_a_stream_is_known() -> None:
    healthy = {
        link for link in Link if checks_of(feeds=with_source(link=link, cause="why"))["source polygon"].level is OK
    }
    assert healthy == {Link.IDLE, Link.LIVE}


@pytest.mark.parametrize(
    ("changes", "level", "reason"),
    [
        (
            {"mode": Mode.STALE, "age_s": 400.0},
            FAIL,
            "stale: polygon BTC-USD, 400 s old; no new entries",
        ),
        ({"age_s": 180.0}, FAIL, "stale: polygon BTC-USD, 180 s old; no new entries"),
        ({"age_s": 179.0, "empty": 0, "revised": 0}, OK, "polygon BTC-USD, 179 s old"),
        (
            {"mode": Mode.STALE, "source": None, "symbol": None, "age_s": None},
            FAIL,
            "stale: no candle yet; no new entries",
        ),
        (
            {"mode": Mode.DEGRADED, "source": None, "symbol": None, "age_s": 900.0},
            WARN,
            "degraded: 900 s old; no new entries",
        ),
        ({"missing": 5}, WARN, "polygon BTC-USD, 41 s old, 5 missing"),
        ({"missing": 4, "empty": 0, "revised": 0}, OK, "polygon BTC-USD, 41 s old, 4 missing"),
    ],
)
def test_a_pair(changes: dict[str, Any], level: Level, reason: str) -> None:
    assert check_of("pair BTC-USDT", feeds=with_pair(**changes)) == (level, reason)


def test_a_pair_without_its_first_candle_is_waited_for() -> None:
    feeds = with_pair(mode=Mode.STALE, age_s=None)
    assert check_of("pair BTC-USDT", feeds=feeds, uptime_s=119) == (OK, "starting")
    assert check_of("pair BTC-USDT", feeds=feeds, uptime_s=120)[0] is FAIL


def test_pairs_are_told_of_together() -> None:
    assert {check.cause for name, check in checks_of().items() if name.startswith("pair ")} == {"pairs"}


@pytest.mark.parametrize(("waiting", "level"), [(19_999, OK), (20_000, WARN), (500_000, FAIL)])
def test_the_outbox(waiting: int, level: Level) -> None:
    found = check_of("outbox", feeds=replace(FEEDS, outbox_waiting=waiting))
    assert found == (level, f"{waiting:,} bars wait for the store")
