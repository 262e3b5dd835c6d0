"""What people can see of the feeds: by it a fault is noticed, and known to be over."""

from collections.abc import Hashable, Iterator, Mapping

from shared.domain.feed_status import Mode
from shared.domain.stored import ServiceState
from shared.sidecar.feeds.feeds import Line
from shared.sidecar.feeds.source_book import SourceBook
from shared.wire.stream import Link
from tests.feed_world import World

# A bar that is over for so long should have come, from history where not by the stream.
_COMES_WITHIN_MS = 20_000

Signs = Mapping[tuple[str, str], Hashable]


def signs(world: World) -> Signs:
    """What `recovery health`, alerts and the log are made of, but for ages: by source, service or pair, and what it is."""
    feeds = world.feeds
    status = feeds.status()
    seen: dict[tuple[str, str], Hashable] = {}
    for source in status.sources:
        line = feeds.lines[source.source]
        seen |= {
            (source.source, name): value
            for name, value in {
                "link": (source.link, source.cause, source.reconnections),
                "malformed": source.malformed,
                "quarantined": source.quarantined,
                "clock": round((source.clock_skew_ms or 0) / 1000),
                "gap": not line.book.is_whole,
                "canary": source.is_fit,
                "symbols": tuple(line.book.refused),
                "differing": sum(line.own_bars.mismatches.values()),
                **_counts(line),
            }.items()
        }
    for watched in world.supervision.watched:
        seen[watched.service.name, "service"] = (watched.state, watched.trouble)
        if watched.service.name.endswith("_prices"):
            seen[watched.service.name, "pairs"] = watched.service.detail()["pairs"]
    for pair in status.pairs:
        seen[pair.pair, "mode"] = (pair.mode, pair.source)
    seen["sidecar", "log"] = len(world.said)
    return seen


def _counts(line: Line) -> dict[str, int]:
    books = [book for symbol in line.book.symbols if (book := line.book.book(symbol)) is not None]
    ledgers = [ledger for book in books for ledger in book.ledgers.values()]
    return {"revised": sum(each.revised for each in ledgers), "empty": sum(each.empty for each in ledgers)}


def first_sign(before: Signs, now: Signs) -> str | None:
    """What has changed, the first of it; None where nothing has."""
    changed = next((what for what in now if now[what] != before.get(what)), None)
    return None if changed is None else " ".join(changed)


def is_whole(world: World) -> bool:
    """Every bar that is over for a while is there, of all sources and symbols, and bots may decide."""
    return all(pair.mode is Mode.LIVE for pair in world.feeds.status().pairs) and not any(
        book.refused or any(_are_late(book)) for book in world.feeds.books.values()
    )


def _are_late(book: SourceBook) -> Iterator[bool]:
    """Of each symbol, whether a bar of it should have come and has not."""
    for symbol in book.symbols:
        of_symbol = book.book(symbol)
        yield of_symbol is not None and any(True for _ in of_symbol.missing(book.over_ms(), _COMES_WITHIN_MS))


def is_as_before(world: World) -> bool:
    """Whole, every link live, every canary on time and service running, and the preferred source in use for every pair."""
    status = world.feeds.status()
    preferred = next(iter(world.feeds.books))
    return (
        is_whole(world)
        and all(source.link is Link.LIVE and source.is_fit for source in status.sources)
        and all(pair.source == preferred for pair in status.pairs)
        and all(watched.state is ServiceState.RUNNING for watched in world.supervision.watched)
    )


def defects(world: World) -> list[str]:
    """Services that had a defect, with the newest."""
    return [f"{watched.service.name}: {watched.trouble}" for watched in world.supervision.watched if watched.defects]
