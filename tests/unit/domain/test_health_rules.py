"""Checks of everything but the feeds: where each turns, and that what is wrong comes with what to do."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.health import Level
from shared.domain.health_facts import Activity, JournalLag, ProcessUse, Space, Unknown
from shared.domain.stored import ServiceState
from tests.unit.domain.health_samples import ACTIVITY, FACTS, SHIPPING, check_of, checks_of

OK, WARN, FAIL = Level
GB = 10**9


@pytest.mark.parametrize(
    ("changes", "level", "reason"),
    [
        ({}, OK, "running"),
        ({"defects": 2}, OK, "running; defects so far: 2"),
        ({"state": ServiceState.WAITING, "trouble": "gone", "since_s": 299.0}, WARN, "waiting: gone"),
        ({"state": ServiceState.WAITING, "trouble": "gone", "since_s": 300.0}, FAIL, "waiting: gone"),
        ({"state": ServiceState.DEGRADED, "trouble": "refused", "since_s": 1.0}, FAIL, "degraded: refused"),
        ({"state": ServiceState.STARTING, "since_s": 7000.0}, WARN, "starting for 7,000 s"),
        ({"state": ServiceState.STOPPED}, FAIL, "stopped"),
    ],
)
def test_a_service(changes: dict[str, Any], level: Level, reason: str) -> None:
    assert check_of("service shipping", services=(replace(SHIPPING, **changes),)) == (level, reason)


def test_a_service_of_a_later_phase_is_well_where_it_stands() -> None:
    predictor = replace(SHIPPING, name="predictor", state=ServiceState.STOPPED, stopped_in_phase=1)
    assert check_of("service predictor", services=(predictor,)) == (OK, "stopped: begins in phase 3")


def test_a_service_that_has_just_begun_is_waited_for() -> None:
    starting = replace(SHIPPING, state=ServiceState.STARTING)
    assert check_of("service shipping", services=(starting,), uptime_s=119.0) == (OK, "starting")


@pytest.mark.parametrize(("defects", "level"), [(0, WARN), (1, FAIL)])
def test_trouble_while_starting_may_pass_and_a_defect_does_not(defects: int, level: Level) -> None:
    service = replace(SHIPPING, state=ServiceState.DEGRADED, trouble="no", since_s=50.0, defects=defects)
    assert checks_of(services=(service,), uptime_s=119.0)["service shipping"].level is level


def test_shipping_waits_for_a_bot_that_never_ran() -> None:
    service = replace(SHIPPING, state=ServiceState.DEGRADED, trouble="there is no journal here")
    found = checks_of(services=(service, replace(service, name="retention")), activity=None)
    assert found["service shipping"].level is WARN
    assert found["service retention"].level is FAIL
    assert "journal" not in found


def test_a_defect_is_to_be_reported() -> None:
    service = replace(SHIPPING, state=ServiceState.DEGRADED, trouble="a defect", defects=6)
    assert "report it" in checks_of(services=(service,))["service shipping"].advice


@pytest.mark.parametrize(
    ("lag", "level", "reason"),
    [
        (JournalLag(0, 0.0), OK, "all of it is in the store"),
        (JournalLag(50, 3.0), OK, "50 events wait, not caught up for 3 s"),
        (JournalLag(50, 60.0), WARN, "50 events wait, not caught up for 60 s"),
        (JournalLag(0, 60.0), WARN, "0 events wait, not caught up for 60 s"),
        (JournalLag(5000, 900.0), FAIL, "5,000 events wait, not caught up for 900 s"),
    ],
)
def test_the_journal(lag: JournalLag, level: Level, reason: str) -> None:
    assert check_of("journal", lag=lag) == (level, reason)


def test_a_home_that_ships_nothing_has_no_lag() -> None:
    assert "journal" not in checks_of(lag=None)


@pytest.mark.parametrize(
    ("name", "changes", "level", "reason"),
    [
        ("candles", {}, OK, "1,440 looked at in 24 h"),
        ("candles", {"unevaluated": 2}, WARN, "1,440 looked at in 24 h, 2 could not be"),
        ("signals", {}, OK, "9 in 24 h, 3 taken, refused: 4 COOLDOWN, 2 MAX_POSITIONS"),
        ("signals", {"signals": 19, "taken": 0, "refused": {"COOLDOWN": 19}}, OK, None),
        (
            "signals",
            {"signals": 20, "taken": 0, "refused": {"COOLDOWN": 20}},
            WARN,
            "20 in 24 h, 0 taken, refused: 20 COOLDOWN",
        ),
        ("orders", {}, OK, "8 in 24 h, 7 fills"),
        ("orders", {"failed": {"-2010": 2}}, OK, "8 in 24 h, 7 fills, 2 failed: 2 -2010"),
        ("orders", {"orders": 61, "failed": {"-2010": 3}}, OK, None),
        ("orders", {"orders": 60, "failed": {"-2010": 3}}, WARN, "60 in 24 h, 7 fills, 3 failed: 3 -2010"),
        (
            "orders",
            {"orders": 6, "failed": {"-1013": 1, "-2010": 2}},
            FAIL,
            "6 in 24 h, 7 fills, 3 failed: 2 -2010, 1 -1013",
        ),
        ("orders", {"orders": 0, "fills": 0, "failed": {"-2010": 3}}, FAIL, None),
        ("trades", {}, OK, "3 closed in 24 h"),
        ("trades", {"taken": 10, "fills": 1}, OK, None),
        (
            "trades",
            {"taken": 10, "fills": 0, "trades": 0},
            WARN,
            "0 closed in 24 h, although 10 signals were taken: nothing was filled",
        ),
    ],
)
def test_what_the_bot_did(name: str, changes: dict[str, Any], level: Level, reason: str | None) -> None:
    found = check_of(name, activity=replace(ACTIVITY, **changes))
    assert found == (level, found[1] if reason is None else reason)


def test_a_home_whose_bot_never_ran_is_well() -> None:
    assert check_of("activity", activity=None) == (OK, "no bot has run in this home yet")
    assert not {"signals", "orders", "trades"} & set(checks_of(activity=None))


def test_a_bot_that_did_nothing_is_well() -> None:
    idle = Activity(0, 0, 0, 0, {}, 0, {}, 0, 0, None)
    assert {checks_of(activity=idle)[name].level for name in ("candles", "signals", "orders", "trades")} == {OK}


def test_what_cannot_be_found_out_is_no_figure() -> None:
    assert check_of("activity", activity=Unknown("j: cannot be read")) == (FAIL, "j: cannot be read")
    assert check_of("database", database=Unknown("db: cannot be reached")) == (WARN, "db: cannot be reached")
    assert check_of("database", database=None)[0] is OK
    assert check_of("phase", phase=None) == (WARN, "not known yet")


@pytest.mark.parametrize("name", ["database", "disk"])
@pytest.mark.parametrize(
    ("space", "level", "reason"),
    [
        (Space(79 * GB, 100 * GB), OK, "79.00 GB of 100.00 GB, 79%"),
        (Space(80 * GB, 100 * GB), WARN, "80.00 GB of 100.00 GB, 80%"),
        (Space(95 * GB, 100 * GB), FAIL, "95.00 GB of 100.00 GB, 95%"),
        (Space(120 * GB, 100 * GB), FAIL, "120.00 GB of 100.00 GB, 120%"),
        (Space(0, 0), FAIL, "0 B of 0 B, 100%"),
    ],
)
def test_room(name: str, space: Space, level: Level, reason: str) -> None:
    assert check_of(name, **{name: space}) == (level, reason)


@pytest.mark.parametrize(
    ("process", "level", "reason"),
    [
        (FACTS.process, OK, "7% of a core, 180 MB, 48 of 1,024 files"),
        (ProcessUse(0.9, GB, 48, 1024), WARN, "90% of a core, 1.00 GB, 48 of 1,024 files"),
        (ProcessUse(0.1, 2 * GB, 48, 1024), WARN, "10% of a core, 2.00 GB, 48 of 1,024 files"),
        (ProcessUse(0.1, GB, 820, 1024), WARN, "10% of a core, 1.00 GB, 820 of 1,024 files"),
    ],
)
def test_the_process(process: ProcessUse, level: Level, reason: str) -> None:
    assert check_of("process", process=process) == (level, reason)


def test_errors() -> None:
    assert check_of("errors") == (OK, "none within an hour")
    found = check_of("errors", errors={"malformed of polygon": 2, "dead letters": 3, "quarantined of binance": 0})
    assert found == (WARN, "within an hour: 3 dead letters, 2 malformed of polygon")


def test_every_check_has_a_name_of_its_own() -> None:
    assert len(checks_of()) == 18
