"""Alerts: each change once, each way back, never one cause at one level twice in a period, and the last word always."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alerts import Alert, Alerts
from shared.domain.health import Check, Level

OK, WARN, FAIL = Level
PERIOD_S = 3600.0


def look(alerts: Alerts, now_s: float, level: Level, reason: str = "why", advice: str = "") -> list[Alert]:
    return alerts.due([Check("feeds", level, reason, advice)], now_s)


def texts(found: list[Alert]) -> list[str]:
    return [alert.text for alert in found]


def test_what_is_well_is_not_told() -> None:
    alerts = Alerts(PERIOD_S)
    assert [look(alerts, float(now_s), OK) for now_s in range(0, 8000, 100)] == [[]] * 80


def test_a_change_is_told_once_with_what_to_do_and_so_is_the_way_back() -> None:
    alerts = Alerts(PERIOD_S)
    assert look(alerts, 0, OK) == []
    assert look(alerts, 5, FAIL, "no source is fit", "look at them") == [
        Alert("feeds", FAIL, "FAIL feeds: no source is fit. What to do: look at them")
    ]
    assert look(alerts, 10, FAIL, "no source is fit still") == []
    assert look(alerts, 15, OK, "polygon in use") == [], "for a moment only"
    assert look(alerts, 44, OK, "polygon in use") == []
    assert texts(look(alerts, 45, OK, "polygon in use")) == ["OK feeds: back: polygon in use"]
    assert look(alerts, 50, OK) == []


def test_what_is_bad_at_the_first_look_is_told() -> None:
    assert texts(look(Alerts(PERIOD_S), 0, FAIL)) == ["FAIL feeds: why"]


def test_a_warning_is_told_once_it_has_lasted() -> None:
    alerts = Alerts(PERIOD_S)
    assert look(alerts, 0, WARN) == []
    assert look(alerts, 14, WARN) == []
    assert texts(look(alerts, 15, WARN)) == ["WARN feeds: why"]
    alerts = Alerts(PERIOD_S)
    found = [look(alerts, now_s, WARN if now_s % 20 else OK) for now_s in range(0, 1000, 10)]
    assert found == [[]] * 100, "a connection that comes and goes"


def test_getting_worse_is_told_at_once() -> None:
    alerts = Alerts(PERIOD_S)
    look(alerts, 0, WARN)
    assert len(look(alerts, 20, WARN)) == 1
    assert len(look(alerts, 30, FAIL)) == 1
    look(alerts, 40, WARN)
    assert look(alerts, 100, WARN) == [], "told of in this period already"
    assert look(alerts, 110, FAIL) == []


def test_what_it_is_at_the_end_of_the_period_is_told_with_how_often_it_changed() -> None:
    alerts = Alerts(PERIOD_S)
    look(alerts, 0, FAIL)
    look(alerts, 10, OK)
    assert len(look(alerts, 40, OK)) == 1
    for now_s in range(100, 600, 100):
        assert look(alerts, now_s, FAIL if now_s % 200 else OK) == []
    assert look(alerts, 3599, FAIL) == []
    assert texts(look(alerts, 3600, FAIL)) == ["FAIL feeds: why; it changed 5 times since it was last told of"]


def test_a_group_is_told_of_once() -> None:
    alerts = Alerts(PERIOD_S)
    pairs = [Check(f"pair {name}", FAIL, "stale", "look", "pairs") for name in "ABC"]
    fine = Check("pair D", OK, "fine", group="pairs")
    assert texts(alerts.due([fine, *pairs], 0)) == ["FAIL pair A and 2 more: stale. What to do: look"]
    assert alerts.due([fine, *pairs[:1]], 10) == []
    assert alerts.due([fine], 20) == []
    assert texts(alerts.due([fine], 50)) == ["OK pairs: back"]


def test_one_that_is_looked_at_no_more_is_forgotten_once_its_period_is_over() -> None:
    alerts = Alerts(PERIOD_S)
    look(alerts, 0, FAIL)
    alerts.due([], 10)
    assert look(alerts, 20, FAIL) == [], "its coming back is no news"
    alerts.due([], PERIOD_S)
    assert len(look(alerts, PERIOD_S + 1, FAIL)) == 1


looks = st.lists(st.tuples(st.floats(0.1, 2000.0), st.sampled_from(list(Level))), max_size=80)


@given(looks)
def test_whatever_happens(steps: list[tuple[float, Level]]) -> None:
    alerts, now_s, told = Alerts(PERIOD_S), 0.0, []
    for after_s, level in steps:
        now_s += after_s
        told += [(now_s, alert.level) for alert in look(alerts, now_s, level)]
    for level in Level:
        at_s = [at for at, told_level in told if told_level is level]
        assert all(b - a >= PERIOD_S for a, b in itertools.pairwise(at_s)), "not twice in a period"
    in_order = [OK, *(level for _, level in told)]
    assert all(a is not b for a, b in itertools.pairwise(in_order)), "no news without a change"
    last = steps[-1][1] if steps else OK
    for _ in range(3):
        now_s += PERIOD_S
        in_order += [alert.level for alert in look(alerts, now_s, last)]
    assert in_order[-1] is last, "in the end people know how it is"
