"""Events say what happened and are never changed afterwards."""

from dataclasses import MISSING, FrozenInstanceError, fields, is_dataclass
from typing import get_args

import pytest

from shared.domain import events as ev
from tests.unit.domain.generated_runs import signal

KINDS = get_args(ev.Event)


def test_each_kind_has_a_name_of_its_own_and_a_time() -> None:
    names = [kind.__dataclass_fields__["kind"].default for kind in KINDS]
    assert len(set(names)) == len(KINDS)
    assert all("at_ms" in {field.name for field in fields(kind)} for kind in KINDS)


def test_every_event_class_of_the_module_is_an_event() -> None:
    found = {member for member in vars(ev).values() if isinstance(member, type) and is_dataclass(member)}
    assert found - set(KINDS) == {ev.PositionTerms}, "this one is part of an event"


def test_an_event_says_all_there_is_to_it() -> None:
    """A default is for journals from before a field was recorded; a bot that leaves a newer one out would not be noticed."""
    with_default = {
        (kind, field.name)
        for kind in KINDS
        for field in fields(kind)
        if field.name != "kind" and (field.default, field.default_factory) != (MISSING, MISSING)
    }
    assert with_default == {
        (ev.RunStarted, "market"),
        (ev.SignalDecided, "components"),
        (ev.SignalDecided, "adjustments"),
        (ev.SignalDecided, "phase"),
        (ev.SignalDecided, "config_id"),
        (ev.ExecutorOpened, "terms"),
    }


def test_an_event_cannot_be_changed() -> None:
    event = signal("a")
    with pytest.raises(FrozenInstanceError):
        event.reason = "cooldown"  # type: ignore[misc]


def test_a_signal_was_taken_exactly_when_there_is_no_reason() -> None:
    assert signal("a").taken
    assert not signal("a", reason="cooldown").taken
