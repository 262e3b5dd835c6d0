"""Whatever a stream makes of the truth, with a history that tells it: the outbox ends with the truth, and so does a bot."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.domain.bars import Bar, Series
from shared.domain.stored import Timeframe
from shared.simulator.egress import EgressGuard
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, virtual_time
from shared.wire.feed_messages import FeedClose, FeedMessage, FeedWindow, Subscription
from shared.wire.feed_view import FeedView
from shared.wire.stream import Link
from tests.conftest import START_S
from tests.unit.sidecar.feeds.feed_samples import MINUTE_MS, START_MS, bar
from tests.unit.sidecar.feeds.feeds_world import FeedsWorld, feeds_world, whole_history
from tests.unit.sidecar.feeds.serving_samples import Ear

PAIR = "ETH-USDT"  # the canary is on time all the while
STREAMED = 17  # minutes: a whole quarter, and some more
SETTLING_S = 240  # until all of it has been asked for and compared
QUARTERS = Subscription(PAIR, Timeframe.QUARTER, 4)
FIRST = range(-130, 0)
BEFORE = [
    replace(each, series=replace(each.series, symbol=PAIR))
    for each in whole_history("binance")
    if each.series.timeframe is not Timeframe.MINUTE
]


@dataclass(frozen=True)
class Heard:
    """What the stream makes of one minute.

    Attributes:
        price: Its true close; None where nothing was traded.
        wrong: Other closes it reports before.
        is_told: It reports the true one in the end. Where it told another one before, it does.
        times: So often.
        late_s: So long after the minute is over; other closes come in between.
        is_forming: It reports the minute while it is under way.
        breaks: The connection breaks after it.
    """

    price: int | None
    wrong: tuple[int, ...] = ()
    is_told: bool = True
    times: int = 1
    late_s: float = 2.0
    is_forming: bool = False
    breaks: bool = False


PRICES = st.integers(95, 105)
TRADED = st.builds(
    Heard,
    price=PRICES,
    wrong=st.lists(PRICES, max_size=2).map(tuple),
    is_told=st.booleans(),
    times=st.integers(1, 3),
    late_s=st.one_of(st.floats(0, 4), st.floats(0, 170)),
    is_forming=st.booleans(),
    breaks=st.booleans(),
)
MINUTES = Subscription(PAIR, Timeframe.MINUTE, 60)
MINUTES_HEARD = st.lists(st.one_of(TRADED, TRADED, st.just(Heard(None))), min_size=STREAMED, max_size=STREAMED)


def reports(heard: Sequence[Heard]) -> list[tuple[float, Bar | None]]:
    """What the stream says, with seconds since it began; None for a break."""
    said: list[tuple[float, Bar | None]] = []
    for minute, each in enumerate(heard):
        over_s = (minute + 1) * 60.0
        if each.price is None:
            continue
        if each.is_forming:
            said.append((over_s - 20, bar(minute, "100", symbol=PAIR, is_closed=False)))
        for place, price in enumerate(each.wrong):
            said.append((over_s + each.late_s * place / len(each.wrong), bar(minute, str(price), symbol=PAIR)))
        if each.is_told or each.wrong:
            said += [
                (over_s + each.late_s + again, bar(minute, str(each.price), symbol=PAIR)) for again in range(each.times)
            ]
        if each.breaks:
            said.append((over_s + 30, None))
    return sorted(said, key=lambda one: one[0])


def truth(heard: Sequence[Heard]) -> list[Bar]:
    """Every minute that was traded in, from before the stream on."""
    minutes = [bar(minute, symbol=PAIR) for minute in FIRST]
    return minutes + [
        bar(minute, str(each.price), symbol=PAIR) for minute, each in enumerate(heard) if each.price is not None
    ]


def longer(minutes: Sequence[Bar], timeframe: Timeframe) -> list[Bar]:
    """What the source itself makes of its minutes."""
    parts: dict[int, list[Bar]] = {}
    for minute in minutes:
        parts.setdefault(minute.open_ms // (timeframe.seconds * 1000), []).append(minute)
    series = Series("binance", PAIR, timeframe)
    return [
        Bar(
            series,
            place * timeframe.seconds * 1000,
            part[0].open,
            max(each.high for each in part),
            min(each.low for each in part),
            part[-1].close,
            sum((each.volume for each in part), Decimal(0)),
            True,
        )
        for place, part in parts.items()
        if (place + 1) * timeframe.seconds <= START_S + STREAMED * 60 and place * timeframe.seconds >= START_S
    ]


def flat(minutes: Sequence[Bar]) -> list[Bar]:
    """The same with minutes without a trade flat at the last close."""
    by_open = {minute.open_ms: minute for minute in minutes}
    told: list[Bar] = []
    for open_ms in range(minutes[0].open_ms, START_MS + STREAMED * MINUTE_MS, MINUTE_MS):
        close = told[-1].close if told else Decimal(0)
        empty = replace(minutes[0], open_ms=open_ms, open=close, high=close, low=close, close=close, volume=Decimal(0))
        told.append(by_open.get(open_ms, empty))
    return told


async def speak(world: FeedsWorld, said: Sequence[tuple[float, Bar | None]]) -> None:
    """Let the stream say it, each at its time."""
    machine = world.machines["binance"]
    for at_s, each in said:
        await asyncio.sleep(max(0.0, at_s - asyncio.get_running_loop().time()))
        if each is None:
            machine.move(Link.BACKING_OFF, "closed with 1006")
            machine.move(Link.LIVE)
        else:
            world.report("binance", each)


def applied(messages: Sequence[FeedMessage], wanted: Subscription) -> tuple[FeedView, list[int]]:
    """What a bot makes of what it is told, and the OPEN of each candle it was told as new after its last window.

    Raises:
        FeedProtocolError: A candle was skipped.
    """
    view, opens = FeedView(wanted), list[int]()
    for message in messages:
        match message:
            case FeedWindow() if message.interval is wanted.interval:
                view.take_window(message)
                opens = []
            case FeedClose() if message.interval is wanted.interval:
                view.take_close(message)
                if not message.revision:
                    opens.append(message.candle.open_ms)
    return view, opens


async def run(folder: Path, heard: Sequence[Heard]) -> None:
    minutes = truth(heard)
    quarters, hours = longer(minutes, Timeframe.QUARTER), longer(minutes, Timeframe.HOUR)
    async with feeds_world(folder, ["binance"], pairs=[PAIR]) as world:
        world.histories["binance"].bars_there = [*whole_history("binance"), *BEFORE, *minutes, *quarters, *hours]
        ear = Ear()
        world.feeds.serving.listen(ear, [MINUTES, QUARTERS])
        async with asyncio.TaskGroup() as group:
            group.create_task(speak(world, reports(heard)))
            group.create_task(world.live(STREAMED + SETTLING_S // 60))
        # What came after is no part of it: without a trade there is nothing to keep, and flat candles to tell.
        kept = {(each.timeframe, each.opened_at): each for each in world.waiting() if each.symbol == PAIR}
        since = minutes[FIRST.index(-120)].stored().opened_at
        expected = [each.stored() for each in (*minutes, *quarters, *hours)]
        assert {key: each for key, each in kept.items() if key[0] is Timeframe.MINUTE} == {
            (each.timeframe, each.opened_at): each
            for each in expected
            if each.timeframe is Timeframe.MINUTE and each.opened_at >= since
        }
        for each in expected:
            assert each.timeframe is Timeframe.MINUTE or kept[each.timeframe, each.opened_at] == each
        _check_told(ear.heard, flat(minutes))


def _check_told(messages: Sequence[FeedMessage], minutes: Sequence[Bar]) -> None:
    view, opens = applied(messages, MINUTES)
    assert opens == list(range(opens[0], opens[-1] + 1, MINUTE_MS)), "each once and in order"
    told = {int(row[0]) * 1000: (row[4], row[5]) for row in view.rows}
    assert len(told) == MINUTES.limit
    newest = [each for each in minutes if each.open_ms in told]
    assert len(newest) >= MINUTES.limit - SETTLING_S // 60
    assert [told[each.open_ms] for each in newest] == [(float(each.close), float(each.volume)) for each in newest]
    quarters, _ = applied(messages, QUARTERS)
    traded = minutes[-STREAMED:][:15]
    row = quarters.rows[-1]
    assert row[0] * 1000 == START_MS
    assert row[4:].tolist() == [float(traded[-1].close), float(sum(each.volume for each in traded))]


STEADY = [Heard(100)] * STREAMED


@settings(max_examples=15)
@given(MINUTES_HEARD)
@example(STEADY)
@example([Heard(None)] * STREAMED)
@example([*STEADY[:5], Heard(101, is_told=False), Heard(102, wrong=(99,), late_s=100), *STEADY[7:]])
@example([*STEADY[:3], Heard(101, is_told=False, is_forming=True, breaks=True), *STEADY[4:]])
def test_the_outbox_and_a_bot_end_with_the_truth(heard: list[Heard]) -> None:
    clock = VirtualClock(START_S, None)
    with tempfile.TemporaryDirectory() as folder, virtual_time(clock):
        asyncio.run(run(Path(folder), heard), loop_factory=lambda: VirtualEventLoop(clock, EgressGuard()))
