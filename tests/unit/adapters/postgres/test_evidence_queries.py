"""The queries are whole and each criterion that measures something has one. What they give is tested on a database."""

from shared.adapters.postgres.evidence_queries import evidence_queries
from shared.domain.criteria import not_measured
from shared.domain.gates import GATES
from tests.unit.domain.phase_runs import facts_of, put_together, round_trip, run_of, signal_of


def test_every_criterion_that_measures_has_its_query() -> None:
    measured = {each.name for criteria in GATES.values() for each in criteria if each.judge is not not_measured}
    assert evidence_queries(facts_of(1, {}).evidence, "journal").keys() == measured


def test_nothing_is_left_to_be_filled_in() -> None:
    made = [round_trip(signal_of(1, config_id="it's")), round_trip(signal_of(2, "recovery_swing", config_id="b"))]
    evidence = facts_of(1, put_together(a=run_of(made))).evidence
    for query in evidence_queries(evidence, "0'f").values():
        assert "r.journal_id = '0''f' and s.taken and s.phase >= 1" in query
        assert "s.config_id = any (array['it''s', 'b']::text[])" in query
        assert "{" not in query
        assert '"' not in query, "it is pasted between these"
