"""What people can see of the feeds: by it a fault is noticed, and known to be over."""

from collections.abc import Hashable, Mapping

from shared.domain.feed_status import Mode
from shared.domain.stored import ServiceState
from shared.wire.stream import Link
from tests.feed_world import World

_MS = 1000


def signs(world: World) -> Mapping[tuple[str, str], Hashable]:
    """All that `recovery health`, the alerts and the log are made of, but for ages; by source and what it is."""
    feeds = world.feeds
    status = feeds.status()
    seen: dict[tuple[str, str], Hashable] = {}
    for source in status.sources:
        line = feeds.lines[source.source]
        books = [line.book.book(symbol) for symbol in line.book.symbols]
        seen |= {
            (source.source, name): value
            for name, value in {
                "link": source.link,
                "cause": source.cause,
                "connections": source.reconnections,
                "malformed": source.malformed,
                "quarantined": source.quarantined,
                "clock": round((source.clock_skew_ms or 0) / _MS),
                "gap": any(True for _ in line.book.missing()),
                "canary late": source.is_fit,
                "revised": sum(ledger.revised for book in books if book for ledger in book.ledgers.values()),
                "empty": sum(ledger.empty for book in books if book for ledger in book.ledgers.values()),
                "unknown symbol": tuple(line.book.refused),
                "differing": sum(line.own_bars.mismatches.values()),
            }.items()
        }
    for watched in world.supervision.watched:
        seen[watched.service.name, "service"] = (watched.state, watched.trouble)
    for pair in status.pairs:
        seen[pair.pair, "mode"] = (pair.mode, pair.source)
    seen["feeds", "log"] = len(world.said)
    return seen


def first_sign(before: Mapping[tuple[str, str], Hashable], now: Mapping[tuple[str, str], Hashable]) -> str | None:
    """What has changed first, as far as that can be told; None where nothing has."""
    changed = [what for what in now if now[what] != before.get(what)]
    return f"{changed[0][0]} {changed[0][1]}" if changed else None


def is_whole(world: World) -> bool:
    """No bar is missing of any source, and bots have whole windows that they may decide on."""
    status = world.feeds.status()
    return all(book.is_whole and not book.refused for book in world.feeds.books.values()) and all(
        pair.mode is Mode.LIVE for pair in status.pairs
    )


def is_as_before(world: World) -> bool:
    """Whole, every link live, every service running, and the preferred source in use for every pair."""
    status = world.feeds.status()
    preferred = next(iter(world.feeds.books))
    return (
        is_whole(world)
        and all(source.link is Link.LIVE for source in status.sources)
        and all(pair.source == preferred for pair in status.pairs)
        and all(watched.state is ServiceState.RUNNING for watched in world.supervision.watched)
    )


def defects(world: World) -> list[str]:
    """Services that had a defect."""
    return [f"{watched.service.name}: {watched.trouble}" for watched in world.supervision.watched if watched.defects]
