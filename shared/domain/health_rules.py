"""From facts to checks: what is OK, what is not, why, and what to do. The feeds' own rules are in `feed_health`."""

from collections.abc import Iterator, Mapping

from shared.domain.feed_health import STARTING_S, feed_checks
from shared.domain.health import Check, Level
from shared.domain.health_facts import Activity, Facts, JournalLag, ProcessUse, ServiceFacts, Space, Unknown
from shared.domain.phases import PHASES, begins_in
from shared.domain.storage import shown_bytes
from shared.domain.stored import ServiceState

_WAITING_FAILS_AFTER_S = 300.0
_LAG_WARN_S, _LAG_FAIL_S = 60.0, 900.0
_FULL_WARN, _FULL_FAIL = 0.80, 0.95
_CPU_WARN = 0.9
_RSS_WARN_BYTES = 2 * 10**9
_FILES_WARN = 0.8
# The gate of phase 2 asks for less than 5 %; fewer failures than these say nothing.
_FAILED_WARN, _FAILED_FAIL, _FAILED_AT_LEAST = 0.05, 0.5, 3
_SIGNALS_AT_LEAST = 20
_SHIPPING = "shipping"
_TAKEN_AT_LEAST = 10
_A_DEFECT = "report it with the sidecar's log, where its traceback is"


def health_checks(facts: Facts) -> tuple[Check, ...]:
    """Every check, in the order in which they are shown."""
    return tuple(_all(facts))


def _all(facts: Facts) -> Iterator[Check]:
    yield _phase(facts.phase)
    yield from feed_checks(facts)
    for service in facts.services:
        yield _service(service, facts)
    if facts.lag is not None and facts.activity is not None:
        yield _lag(facts.lag)
    yield from _activity(facts.activity)
    yield _errors(facts.errors)
    yield _database(facts.database)
    yield _space("disk", facts.disk, "recovery storage analyze; docs/runbook.md, If storage fills up")
    yield _process(facts.process)


def _phase(phase: int | None) -> Check:
    if phase is None:
        return Check("phase", Level.WARN, "not known yet", "look at the journal: recovery phase status")
    return Check("phase", Level.OK, f"{phase}, {PHASES[phase].name}")


def _service(service: ServiceFacts, facts: Facts) -> Check:
    name, state = f"service {service.name}", service.state
    said = str(state) + (f": {service.trouble}" if service.trouble else "")
    if service.defects:
        said += f"; defects so far: {service.defects}"
    if state is ServiceState.RUNNING:
        return Check(name, Level.OK, said)
    if state is ServiceState.STOPPED and service.stopped_in_phase is not None:
        return Check(name, Level.OK, f"stopped: begins in phase {begins_in(service.name)}")
    if state is ServiceState.STARTING:
        if facts.uptime_s < STARTING_S:
            return Check(name, Level.OK, said)
        return Check(name, Level.WARN, f"{said} for {service.since_s:,.0f} s", "look into the sidecar's log")
    if service.name == _SHIPPING and facts.activity is None:
        return Check(name, Level.WARN, said, "start the bot: what it does is shipped from then on")
    advice = _A_DEFECT if service.defects else "see to what the reason names; it is tried again by itself"
    is_starting = facts.uptime_s < STARTING_S and not service.defects
    if is_starting or (state is ServiceState.WAITING and service.since_s < _WAITING_FAILS_AFTER_S):
        return Check(name, Level.WARN, said, advice)
    return Check(name, Level.FAIL, said, advice)


def _lag(lag: JournalLag) -> Check:
    if not lag.waiting and lag.behind_s <= 0:
        return Check("journal", Level.OK, "all of it is in the store")
    reason = f"{lag.waiting:,} events wait, not caught up for {lag.behind_s:,.0f} s"
    if lag.behind_s < _LAG_WARN_S:
        return Check("journal", Level.OK, reason)
    level = Level.FAIL if lag.behind_s >= _LAG_FAIL_S else Level.WARN
    return Check("journal", level, reason, "look at the service shipping; nothing is lost, they are in the journal")


def _activity(activity: Activity | Unknown | None) -> Iterator[Check]:
    if isinstance(activity, Unknown):
        yield Check("activity", Level.FAIL, activity.reason, "keep the home's data folder; see docs/runbook.md")
    elif activity is None:
        yield Check("activity", Level.OK, "no bot has run in this home yet")
    else:
        yield _candles(activity)
        yield _signals(activity)
        yield _orders(activity)
        yield _trades(activity)


def _candles(activity: Activity) -> Check:
    reason = f"{activity.candles:,} looked at in 24 h"
    if not activity.unevaluated:
        return Check("candles", Level.OK, reason)
    reason += f", {activity.unevaluated:,} could not be"
    return Check("candles", Level.WARN, reason, "recovery funnel shows of which pairs")


def _signals(activity: Activity) -> Check:
    reason = f"{activity.signals:,} in 24 h, {activity.taken:,} taken"
    if activity.refused:
        reason += f", refused: {_listed(activity.refused)}"
    if activity.signals >= _SIGNALS_AT_LEAST and not activity.taken:
        return Check("signals", Level.WARN, reason, "look at the reasons of refusal: recovery funnel")
    return Check("signals", Level.OK, reason)


def _orders(activity: Activity) -> Check:
    failed = sum(activity.failed.values())
    reason = f"{activity.orders:,} in 24 h, {activity.fills:,} fills"
    if not failed:
        return Check("orders", Level.OK, reason)
    reason += f", {failed:,} failed: {_listed(activity.failed)}"
    share = failed / max(activity.orders, failed)
    if failed < _FAILED_AT_LEAST or share < _FAILED_WARN:
        return Check("orders", Level.OK, reason)
    level = Level.FAIL if share >= _FAILED_FAIL else Level.WARN
    return Check("orders", level, reason, "recovery verify names each order and what the venue said")


def _trades(activity: Activity) -> Check:
    reason = f"{activity.trades:,} closed in 24 h"
    if activity.taken >= _TAKEN_AT_LEAST and not activity.fills:
        reason += f", although {activity.taken:,} signals were taken: nothing was filled"
        return Check("trades", Level.WARN, reason, "look where the funnel ends: recovery funnel")
    return Check("trades", Level.OK, reason)


def _errors(errors: Mapping[str, int]) -> Check:
    if not any(errors.values()):
        return Check("errors", Level.OK, "none within an hour")
    return Check("errors", Level.WARN, f"within an hour: {_listed(errors)}", "look into the sidecar's log")


def _database(database: Space | Unknown | None) -> Check:
    if database is None:
        return Check("database", Level.OK, "its size is not known through the API")
    if isinstance(database, Unknown):
        return Check("database", Level.WARN, database.reason, "see to what the reason names; nothing is lost meanwhile")
    return _space("database", database, "recovery storage enforce; docs/runbook.md, If storage fills up")


def _space(name: str, space: Space, advice: str) -> Check:
    reason = f"{shown_bytes(space.used_bytes)} of {shown_bytes(space.limit_bytes)}, {space.used:.0%}"
    if space.used < _FULL_WARN:
        return Check(name, Level.OK, reason)
    return Check(name, Level.FAIL if space.used >= _FULL_FAIL else Level.WARN, reason, advice)


def _process(process: ProcessUse) -> Check:
    reason = (
        f"{process.cpu:.0%} of a core, {shown_bytes(process.rss_bytes)}, "
        f"{process.open_files} of {process.open_files_limit:,} files"
    )
    if process.open_files >= _FILES_WARN * process.open_files_limit:
        return Check("process", Level.WARN, reason, "restart the sidecar and report it: something is not closed")
    if process.rss_bytes >= _RSS_WARN_BYTES:
        return Check("process", Level.WARN, reason, "ask for fewer pairs, or restart the sidecar and report it")
    if process.cpu >= _CPU_WARN:
        return Check("process", Level.WARN, reason, "ask for fewer pairs, or give it another machine")
    return Check("process", Level.OK, reason)


def _listed(counts: Mapping[str, int]) -> str:
    """Counts by kind, the most frequent first."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {kind}" for kind, count in ranked if count)
