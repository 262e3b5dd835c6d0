"""What `recovery phase` shows of phases, gates and history, and the same as JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.cli.phase_evidence import Judged
from shared.domain import events as ev
from shared.domain.criteria import Answer, Verdict
from shared.domain.evidence import CountedConfig
from shared.domain.gates import Criterion
from shared.domain.phases import PHASES, services_in
from shared.sidecar.config import Services

_COLOURS = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.INCONCLUSIVE: "yellow"}


def print_status(console: Console, current: int, gates: Sequence[Judged], *, queries: bool) -> None:
    """The phase a home is in, and gates."""
    phase = PHASES[current]
    console.print(Text.assemble((f"Phase {current}, {phase.name}", "bold"), f": {phase.on}"))
    console.print(Text(f"Services: {_services(current)}"))
    for judged in gates:
        console.print()
        _print_gate(console, judged)
        if queries:
            _print_queries(console, judged)


def _services(phase: int) -> str:
    named = services_in(phase)
    built = [service for service in named if service in Services.model_fields]
    missing = [service for service in named if service not in built]
    return ", ".join(built) + (f"; not built yet: {', '.join(missing)}" if missing else "")


def _print_gate(console: Console, judged: Judged) -> None:
    gate = judged.gate
    console.print(Text.assemble((f"Gate {gate.phase}, {PHASES[gate.phase].name}: ", "bold"), _shown(gate.verdict)))
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("criterion", "found", "asked", "verdict"):
        table.add_column(column)
    for criterion, answer in gate.answers:
        table.add_row(Text(criterion.title), Text(answer.value), Text(criterion.bound), _shown(answer.verdict))
    console.print(table)
    for criterion, answer in gate.answers:
        if answer.needed:
            console.print(Text(f"- {criterion.title}: {answer.needed}"))
    for config in judged.evidence.configs:
        console.print(Text(f"counted: {_config(config)}"))
    for sentence in _not_counted(judged):
        console.print(Text(f"not counted: {sentence}"))


def _shown(verdict: Verdict) -> Text:
    return Text(verdict, _COLOURS[verdict])


def _config(config: CountedConfig) -> str:
    since = datetime.fromtimestamp(config.since_ms / 1000, tz=UTC)
    return f"{config.strategy} of phase {config.phase}, {config.config_id}, since {since:%Y-%m-%d %H:%M}"


def _not_counted(judged: Judged) -> list[str]:
    evidence = judged.evidence
    sentences = []
    if evidence.repeated:
        sentences.append(f"{evidence.repeated} taken signals on candles that count already")
    if evidence.of_other_configs:
        sentences.append(f"{evidence.of_other_configs} taken signals of configurations no longer in force")
    if evidence.on_unnamed_markets:
        sentences.append(f"{evidence.on_unnamed_markets} taken signals on a venue that does not say what it serves")
    return sentences


def _print_queries(console: Console, judged: Judged) -> None:
    for criterion, _ in judged.gate.answers:
        query = judged.queries.get(criterion.name)
        if query is not None:
            # As they are: a line broken here could not be pasted.
            console.print(Text(f"\n-- {criterion.title}\n{query}"), soft_wrap=True)


def status_as_json(current: int, gates: Sequence[Judged]) -> dict[str, Any]:
    """The same for programs, with each criterion's query."""
    phase = PHASES[current]
    return {
        "phase": current,
        "name": phase.name,
        "on": phase.on,
        "services": [service for service in services_in(current) if service in Services.model_fields],
        "gates": [_gate_as_json(judged) for judged in gates],
    }


def _gate_as_json(judged: Judged) -> dict[str, Any]:
    evidence = judged.evidence
    return {
        "phase": judged.gate.phase,
        "verdict": judged.gate.verdict,
        "configs": [
            {
                "strategy": config.strategy,
                "phase": config.phase,
                "config_id": config.config_id,
                "since": _iso(config.since_ms),
            }
            for config in evidence.configs
        ],
        "not_counted": {
            "repeated": evidence.repeated,
            "of_other_configs": evidence.of_other_configs,
            "on_unnamed_markets": evidence.on_unnamed_markets,
        },
        "criteria": [
            {
                "name": criterion.name,
                "title": criterion.title,
                "value": answer.value,
                "bound": criterion.bound,
                "verdict": answer.verdict,
                "needed": answer.needed,
                "figures": dict(answer.figures),
                "query": judged.queries.get(criterion.name),
            }
            for criterion, answer in judged.gate.answers
        ],
    }


def refusal(phase: int, criterion: Criterion, answer: Answer) -> str:
    """Why a criterion keeps a home in its phase, on one line."""
    found = f" {answer.value}, asked {criterion.bound}:" if answer.value else ""
    return f"phase {phase} is not left: {criterion.title}:{found} {answer.verdict}: {answer.needed}"


def evidence_of(judged: Judged) -> dict[str, str]:
    """What a change of phase records of the gate: each criterion's verdict with what it was found on."""
    return {
        criterion.name: f"{answer.verdict}: {answer.value}" if answer.value else str(answer.verdict)
        for criterion, answer in judged.gate.answers
    }


def print_history(console: Console, changes: Sequence[ev.PhaseChanged]) -> None:
    """Every change of phase, oldest first."""
    if not changes:
        console.print("no change yet: phase 1 from the beginning", highlight=False)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("at, UTC", "from", "to", "", "reason"):
        table.add_column(column)
    for change in changes:
        at = datetime.fromtimestamp(change.at_ms / 1000, tz=UTC)
        table.add_row(
            f"{at:%Y-%m-%d %H:%M}",
            "" if change.from_phase is None else str(change.from_phase),
            str(change.to_phase),
            Text("forced", "yellow") if change.forced else "",
            Text(change.reason),
        )
    console.print(table)


def history_as_json(changes: Sequence[ev.PhaseChanged]) -> list[dict[str, Any]]:
    """The same for programs, with the evidence each change rested on."""
    return [
        {
            "at": _iso(change.at_ms),
            "from_phase": change.from_phase,
            "to_phase": change.to_phase,
            "forced": change.forced,
            "reason": change.reason,
            "evidence": dict(change.evidence),
        }
        for change in changes
    ]


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat()
