"""What came of a case, and whether that is good enough."""

from dataclasses import dataclass, field

from shared.simulator.fault_kinds import Part, Where
from tests.faults.cases import Case
from tests.faults.truth import Difference

MOST_A_MINUTE = {Where.POLYGON: 12, Where.BINANCE: 60}
"""Connections. Binance lets an address have 300 in five minutes; Polygon names no number, only how many at once."""


@dataclass
class Outcome:
    """What was measured. Times are virtual seconds, looked at every half a second.

    Attributes:
        feed, name: The case.
        sources: Where the canary pair's candles came from, in order.
        sign: What was seen of it first; empty: nothing.
        noticed_s: From the first thing it hit.
        whole_s: From its end until no bar was late and bots might decide, from whichever source.
        mended_s: From its end until everything was as before, the preferred source in use.
        blocked_s: Time in which a bot's canary pair allowed no new entry.
        difference: Of store and bot from the sources.
        a_minute, at_once: Most connections to the source; None: it has none.
        was_refused: The link stood refused, or a service of the source was degraded.
        is_hit: The fault hit something.
        defects: Of services.
        took_s: Real seconds.
        said: What the feeds said to people.
    """

    feed: str
    name: str
    sources: list[str] = field(default_factory=list)
    sign: str = ""
    noticed_s: float | None = None
    whole_s: float | None = None
    mended_s: float | None = None
    blocked_s: float = 0.0
    difference: Difference = field(default_factory=Difference)
    a_minute: int | None = None
    at_once: int | None = None
    was_refused: bool = False
    is_hit: bool = False
    defects: list[str] = field(default_factory=list)
    took_s: float = 0.0
    said: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def judge(case: Case, outcome: Outcome) -> list[str]:
    """Why it is not good enough, a sentence each; none: it is."""
    difference, variant, where = outcome.difference, case.variant, case.fault.where
    most_a_minute = MOST_A_MINUTE.get(where, 0)
    # Polygon alone counts connections at once, and there the intruder has one of them.
    most_at_once = 1 + (variant.intruder_s > 0)
    findings = {
        "it hit nothing": not outcome.is_hit,
        "it was not noticed": outcome.noticed_s is None and not variant.is_silent,
        "something was seen of it": outcome.noticed_s is not None and variant.is_silent,
        "its refusal was not seen": variant.is_refusal and not outcome.was_refused,
        "no other source took over": variant.is_refusal and case.fault.part is Part.STREAM and len(outcome.sources) < 2,
        "it was not mended": outcome.mended_s is None,
        "it blocked entries though there was another source": case.is_alone and outcome.blocked_s > 0,
        "it did not block entries though there was no source": not case.is_alone and not outcome.blocked_s,
        difference.example: bool(difference.missing or difference.wrong or difference.again),
        f"{outcome.a_minute} connections in a minute": (outcome.a_minute or 0) > most_a_minute,
        f"{outcome.at_once} connections at once": where is Where.POLYGON and (outcome.at_once or 0) > most_at_once,
    }
    return [sentence for sentence, is_so in findings.items() if is_so] + outcome.defects
