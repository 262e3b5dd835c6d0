"""The phases of the recovery plan: what is on in each, which services run in it, which configuration is its default.

A home is in one of the phases 1 to 4; phase 0, storage, runs beside every one of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.domain import events as ev


@dataclass(frozen=True)
class Phase:
    """One phase of the plan.

    Attributes:
        number: 0 to 4.
        name: In one word or two.
        on: What is on in it.
        services: What begins to run in the sidecar with it, and goes on in the phases after it. A service may be named before
            it is built.
        config_suffix: What the default script configuration's name ends with.
    """

    number: int
    name: str
    on: str
    services: tuple[str, ...] = ()
    config_suffix: str = ""


PHASES: Mapping[int, Phase] = {
    phase.number: phase
    for phase in (
        Phase(0, "storage", "retention, archive, storage report; beside every phase", ("shipping", "retention")),
        Phase(1, "stabilise", "rule signals become paper trades, thresholds lowered", config_suffix="_phase1"),
        Phase(2, "validate", "many small positions, all strategies", config_suffix="_phase2"),
        Phase(3, "ML booster", "a model's score raises confidence and size", ("predictor", "trainer")),
        Phase(4, "shadow", "each signal replayed under other parameters", ("shadow",)),
    )
}
FIRST_PHASE, LAST_PHASE = 1, 4

_BEGINS_IN = {service: phase.number for phase in PHASES.values() for service in phase.services}


def current_phase(events: Iterable[ev.Event]) -> int:
    """The phase a home is in, from the events of its journal, oldest first."""
    changes = [event.to_phase for event in events if isinstance(event, ev.PhaseChanged)]
    return changes[-1] if changes else FIRST_PHASE


def begins_in(service: str) -> int:
    """The first phase a service of the sidecar runs in; those that no phase names run in all."""
    return _BEGINS_IN.get(service, 0)


def services_in(phase: int) -> tuple[str, ...]:
    """The services that may run in a phase, among those that phases name, built or not."""
    return tuple(service for service, first in _BEGINS_IN.items() if first <= phase)


def config_file(name: str, phase: int) -> str:
    """The file of conf/scripts a script of this configuration name uses in a phase, e.g. `recovery_dca_phase1.yml`."""
    return f"{name}{PHASES[phase].config_suffix}.yml"
