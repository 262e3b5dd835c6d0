"""Journals written before there were phases are stored whole, and what they do not say is empty."""

import json
from typing import Any

import asyncpg
import pytest

from shared.domain import events as ev
from shared.domain.shipping import Shipped
from shared.wire.journal_codec import encode_event
from tests.contract.store_samples import a_life, counts_of
from tests.store_backends import DATABASES, RUN, Backend, journal_of

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

SINCE_PHASES = {"market", "components", "adjustments", "phase", "config_id", "terms"}


def of_an_older_bot(event: ev.Event) -> str:
    """An event as it was written before there were phases."""
    content = json.loads(encode_event(event))
    return json.dumps({name: value for name, value in content.items() if name not in SINCE_PHASES})


def an_older_life() -> list[str]:
    """The events of a_life of which older bots knew."""
    younger = (ev.ExitDecided, ev.ConfigApplied, ev.CandlesEvaluated, ev.PhaseChanged)
    return [of_an_older_bot(event) for event in a_life() if not isinstance(event, younger)]


def test_the_journal_of_an_older_bot_is_stored_whole(backend: Backend) -> None:
    payloads = an_older_life()
    assert not any(f'"{name}"' in payload for name in SINCE_PHASES for payload in payloads)
    batch = journal_of(payloads)
    assert backend.run(backend.store.ship(batch)) == Shipped(len(batch), len(batch), 0)
    assert backend.run(backend.store.counts(RUN)) == counts_of(a_life())
    assert backend.misplaced(batch) == []


@pytest.mark.parametrize("backend", DATABASES, indirect=True)  # memory has no table to look into
def test_what_an_older_bot_did_not_record_is_empty(backend: Backend) -> None:
    backend.run(backend.store.ship(journal_of(an_older_life())))

    def values(question: str) -> set[tuple[Any, ...]]:
        rows: list[asyncpg.Record] = backend.fetch(question)
        return {tuple(row) for row in rows}

    assert values("SELECT market FROM runs") == {("",)}
    assert values("SELECT components, adjustments, phase, config_id FROM signals") == {("{}", "{}", None, None)}
    assert values("SELECT terms FROM positions") == {(None,)}
