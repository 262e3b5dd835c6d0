"""The table of phases: what each one is, and which the home is in."""

import pytest

from shared.domain.phases import FIRST_PHASE, LAST_PHASE, PHASES, begins_in, current_phase, services_in
from tests.unit.domain.generated_runs import run_started
from tests.unit.domain.phase_changes import changed


def test_the_plan() -> None:
    assert [(phase.number, phase.name) for phase in PHASES.values()] == [
        (0, "storage"),
        (1, "stabilise"),
        (2, "validate"),
        (3, "ML booster"),
        (4, "shadow"),
    ]
    assert (FIRST_PHASE, LAST_PHASE) == (1, 4)


@pytest.mark.parametrize(
    ("phase", "services"),
    [
        (0, ("shipping", "retention")),
        (1, ("shipping", "retention")),
        (2, ("shipping", "retention")),
        (3, ("shipping", "retention", "predictor", "trainer")),
        (4, ("shipping", "retention", "predictor", "trainer", "shadow")),
    ],
)
def test_services_begin_in_their_phase_and_go_on(phase: int, services: tuple[str, ...]) -> None:
    assert services_in(phase) == services


@pytest.mark.parametrize(
    ("service", "first"), [("shipping", 0), ("predictor", 3), ("trainer", 3), ("shadow", 4), ("heartbeat", 0)]
)
def test_a_service_that_no_phase_names_runs_in_all(service: str, first: int) -> None:
    assert begins_in(service) == first


@pytest.mark.parametrize(("phase", "suffix"), [(1, "_phase1"), (2, "_phase2"), (3, ""), (4, "")])
def test_a_phase_names_its_default_configuration(phase: int, suffix: str) -> None:
    assert PHASES[phase].config_suffix == suffix


def test_a_home_begins_in_phase_1_and_is_where_it_went_last() -> None:
    assert current_phase([]) == 1
    assert current_phase([run_started()]) == 1
    assert current_phase([changed(2), run_started(), changed(4), changed(3)]) == 3
