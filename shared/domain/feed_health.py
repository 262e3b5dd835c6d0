"""How the feeds are, as checks: which source is in use, each source, each pair, what waits for the store."""

from collections.abc import Iterator

from shared.domain.feed_status import FeedStatus, Mode, PairStatus, SourceStatus
from shared.domain.health import Check, Level
from shared.domain.health_facts import Facts

PAIRS = "pairs"

# The first bars of a stream, and the history before them, take that long.
STARTING_S = 120.0
# Links of `shared.wire.stream.Link` by what they mean to a person; the words are those.
_AT_REST = ("idle", "rest", "live")
_REFUSED, _COOLING = "refused", "cooling"
_MANY_CONNECTIONS = 10
_MANY_MISSING = 5
_SKEW_WARN_MS, _SKEW_FAIL_MS = 2_000.0, 30_000.0
_OUTBOX_WARN, _OUTBOX_FAIL = 20_000, 500_000


def feed_checks(facts: Facts) -> Iterator[Check]:
    """All checks of the feeds; none where this home fetches no prices."""
    feeds = facts.feeds
    if feeds is None:
        return
    is_starting = facts.uptime_s < STARTING_S
    yield _in_use(feeds, is_starting)
    for source in feeds.sources:
        yield _source(source, feeds, is_starting)
    for pair in feeds.pairs:
        yield _pair(pair, facts.stale_after_s, is_starting)
    yield _outbox(feeds)


def _in_use(feeds: FeedStatus, is_starting: bool) -> Check:
    name = "feeds"
    used = [source.source for source in feeds.sources if source.is_in_use]
    if not feeds.pairs:
        return Check(name, Level.OK, "no pair is asked for")
    if not used:
        if is_starting:
            return Check(name, Level.OK, "starting")
        return Check(
            name,
            Level.FAIL,
            "no source is fit: no new entries",
            "look at each source below; open positions go on being managed on the venue's own prices",
        )
    counts = f"{_counted(feeds.switches, 'switch', 'switches')}, {len(feeds.pairs)} pairs"
    preferred = feeds.sources[0]
    if feeds.shed:
        reason = f"{used[0]} in use, {counts}; {feeds.shed} of them get fewer or longer bars because limits bite"
        return Check(name, Level.WARN, reason, "ask for fewer pairs, or raise the plan's limits in conf/sidecar.yml")
    if not preferred.is_in_use:
        why = preferred.cause or "not fit long enough yet"
        reason = f"{used[0]} in use in place of {preferred.source} ({why}), {counts}"
        return Check(
            name, Level.WARN, reason, f"nothing, unless {preferred.source} stays away: it is returned to by itself"
        )
    return Check(name, Level.OK, f"{used[0]} in use, {counts}")


def _source(source: SourceStatus, feeds: FeedStatus, is_starting: bool) -> Check:
    name = f"source {source.source}"
    others_fit = any(one.is_fit for one in feeds.sources if one.source != source.source)
    figures = _figures(source)
    if source.link == _REFUSED:
        level = Level.WARN if others_fit else Level.FAIL
        return Check(
            name, level, f"refused: {source.cause}", "mend its key, plan or access; it is asked again every 15 minutes"
        )
    if source.link == _COOLING:
        return Check(
            name,
            Level.WARN,
            f"cooling down: {source.cause}; {figures}",
            "find who else uses this account: it may have one connection only",
        )
    skew_ms = abs(source.clock_skew_ms or 0.0)
    if skew_ms >= _SKEW_WARN_MS:
        level = Level.FAIL if skew_ms >= _SKEW_FAIL_MS else Level.WARN
        reason = f"its clock and this machine's are {skew_ms / 1000:.1f} s apart"
        return Check(name, level, reason, "synchronise this machine's clock")
    if source.connections_last_minute >= _MANY_CONNECTIONS:
        reason = f"{source.connections_last_minute} connections in a minute: {source.cause or source.link}"
        return Check(name, Level.WARN, reason, "look into the sidecar's log for what ends them")
    if source.link not in _AT_REST or (source.link == "live" and not source.is_fit):
        level = Level.OK if is_starting else Level.WARN
        why = source.cause or ("its canary is late" if source.link == "live" else "not connected yet")
        return Check(name, level, f"{source.link}: {why}; {figures}", "" if is_starting else "nothing: it is retried")
    return Check(name, Level.OK, f"{source.link}{f': {source.cause}' if source.cause else ''}; {figures}")


def _figures(source: SourceStatus) -> str:
    figures = [_counted(source.reconnections, "reconnection", "reconnections")]
    figures += [f"{source.malformed} malformed"] if source.malformed else []
    figures += [f"{source.quarantined} quarantined"] if source.quarantined else []
    return ", ".join(figures)


def _pair(pair: PairStatus, stale_after_s: float, is_starting: bool) -> Check:
    name = f"pair {pair.pair}"
    age = "no candle yet" if pair.age_s is None else f"{pair.age_s:,.0f} s old"
    flow = f"{pair.source} {pair.symbol}, {age}" if pair.source is not None else age
    flow += f", {pair.missing} missing" if pair.missing else ""
    if pair.mode is Mode.STALE or (pair.mode is Mode.LIVE and (pair.age_s or 0.0) >= stale_after_s):
        if is_starting and pair.age_s is None:
            return Check(name, Level.OK, "starting", group=PAIRS)
        advice = "look at the sources: new entries begin again by themselves once candles come"
        return Check(name, Level.FAIL, f"stale: {flow}; no new entries", advice, PAIRS)
    if pair.mode is Mode.DEGRADED:
        advice = "look at the sources: only a price to check against is left"
        return Check(name, Level.WARN, f"degraded: {flow}; no new entries", advice, PAIRS)
    if pair.missing >= _MANY_MISSING:
        return Check(name, Level.WARN, flow, "nothing, unless it grows: they are being fetched", PAIRS)
    extra = "".join(
        f", {count} {word}"
        for count, word in ((pair.empty, "without a trade"), (pair.revised, "revised"), (pair.mismatches, "mismatched"))
        if count
    )
    return Check(name, Level.OK, flow + extra, group=PAIRS)


def _outbox(feeds: FeedStatus) -> Check:
    reason = f"{feeds.outbox_waiting:,} bars wait for the store"
    if feeds.outbox_waiting < _OUTBOX_WARN:
        return Check("outbox", Level.OK, reason)
    level = Level.FAIL if feeds.outbox_waiting >= _OUTBOX_FAIL else Level.WARN
    return Check("outbox", level, reason, "look at the database; nothing is lost, they are on this home's disk")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
