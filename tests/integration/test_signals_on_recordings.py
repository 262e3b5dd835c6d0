"""The signals of every strategy on all recorded candles: pinned, and the same in series, candle by candle and in the bot.

After a change that is meant, write the golden files anew: python -m tests.integration.test_signals_on_recordings
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise, zip_longest
from pathlib import Path

import numpy as np
import pytest

from shared.domain import events as ev
from shared.domain.rules import Evaluation, Opportunity, evaluate_last
from shared.domain.signals import Side
from tests.acceptance.bot_home import IS_DEFAULT_RELEASE
from tests.integration.recorded_market import signals_in_bot
from tests.integration.recordings import (
    CASES,
    NORMAL,
    PHASES_1_2,
    STRATEGIES,
    THRESHOLDS,
    Case,
    configuration,
    series,
    window,
)
from tests.unit.domain.candle_samples import MARKET_DATA, RECORDINGS, needs_recordings

GOLDEN = Path(__file__).parent / "golden" / "signals"
# Both releases compute with the same numpy and TA-Lib: on the second every signal, and of the other candles some.
EVERY = 1 if IS_DEFAULT_RELEASE else 25
# What the bot is led over at least, where there is so much, and candles on either side.
SIGNALS, EPISODES, AROUND = 20, 5, 50

pytestmark = needs_recordings
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_set = pytest.mark.parametrize("thresholds", THRESHOLDS)


# Signals as text.


def utc(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def found(look: Evaluation) -> Opportunity:
    assert look.opportunity is not None
    return look.opportunity


def numbers(look: Evaluation) -> tuple[float, ...]:
    return (found(look).confidence, *found(look).components.values())


def row(look: Evaluation, *more: str) -> str:
    digits = (f"{number:.6f}" for number in numbers(look))
    return ",".join([utc(look.candle_close_ms), found(look).side, *more, *digits])


def episodes(case: Case, signals: Sequence[Evaluation]) -> list[list[Evaluation]]:
    """Signals of one side on candles that follow one another."""
    parted = [[look] for look in signals[:1]]
    for before, look in pairwise(signals):
        if (case.place(look), found(look).side) == (case.place(before) + 1, found(before).side):
            parted[-1].append(look)
        else:
            parted.append([look])
    return parted


def timeframe(case: Case) -> str:
    if case.candles.interval_s == case.wanted_interval_s:
        return case.interval
    return (
        f"{case.interval}, the recording's own: it has none of the {case.wanted_interval_s // 60}m in the configuration"
    )


def as_text(case: Case, thresholds: str) -> str:
    """A golden file: counts, the first signal of each episode, and a fingerprint of all signals."""
    seen = series(case, thresholds)
    sides = [found(look).side for look in seen.signals]
    first_of_each = [(together[0], len(together)) for together in episodes(case, seen.signals)]
    all_rows = "".join(f"{row(look)}\n" for look in seen.signals)
    components = found(seen.signals[0]).components if seen.signals else ()
    lines = [
        f"recording: {RECORDINGS[case.recording]}",
        f"thresholds: {' and '.join(f'{case.strategy}{ending}.yml' for ending in THRESHOLDS[thresholds])}",
        *(f"  {name}: {value:g}" for name, value in case.rules[thresholds].thresholds.items()),
        f"candles: {timeframe(case)}",
        f"evaluated: {seen.evaluated}, the last closed at {utc(case.candles.last_close_ms)}",
        f"signals: {len(sides)}, {sides.count(Side.BUY)} BUY and {sides.count(Side.SELL)} SELL",
        f"sha256 of all signals: {hashlib.sha256(all_rows.encode()).hexdigest()}",
        f"nearest to a threshold: {seen.nearest:.1e} at {utc(seen.nearest_close_ms)}",
        f"episodes: {len(first_of_each)}, of each the first signal:",
        ",".join(["closed_at", "side", "candles", "confidence", *components]),
        *(row(look, str(count)) for look, count in first_of_each),
    ]
    return "\n".join(lines) + "\n"


def golden_of(case: Case, thresholds: str) -> Path:
    return GOLDEN / f"{case}_{thresholds}.txt"


def difference(golden: str, now: str) -> str:
    """What stands above the tables and has changed, and the first signal in them that has."""
    pairs = list(zip_longest(golden.splitlines(), now.splitlines(), fillvalue="nothing"))
    table = 1 + next(number for number, (line, _) in enumerate(pairs) if line.startswith("closed_at"))
    changed = [f"{before}\n    now: {after}" for before, after in pairs[:table] if before != after]
    changed += [f"{before}\n    now: {after}" for before, after in pairs[table:] if before != after][:1]
    return "\n".join(changed)


# The tests.


def assert_same_signals(series_form: Iterable[Evaluation], other_form: Iterable[Evaluation]) -> None:
    for one, other in zip_longest(series_form, other_form):
        assert one is not None, f"in series no more signals, in the other form {row(other)}"
        assert other is not None, f"in series {row(one)}, in the other form no more signals"
        assert row(one).split(",")[:2] == row(other).split(",")[:2], f"in series {row(one)}, but {row(other)}"
        assert found(other).confidence == pytest.approx(found(one).confidence, abs=1e-6), row(one)
        assert found(other).components == pytest.approx(found(one).components, abs=1e-6), row(one)
        assert other.price == one.price, row(one)
        assert other.values == pytest.approx(one.values, rel=1e-6, abs=1e-12), row(one)
        assert prices(other) == pytest.approx(prices(one), rel=1e-6), row(one)


def prices(look: Evaluation) -> dict[str, float]:
    """The prices a signal names, if it names any."""
    named = {"stop": found(look).stop_price, "target": found(look).target_price}
    return {name: price for name, price in named.items() if price is not None}


@every_case
@every_set
def test_signals_are_the_golden_ones(case: Case, thresholds: str) -> None:
    golden, now = golden_of(case, thresholds).read_text(), as_text(case, thresholds)
    if golden != now:
        pytest.fail(f"{golden_of(case, thresholds).name}\n{difference(golden, now)}", pytrace=False)


@every_case
@every_set
def test_a_signal_is_where_the_thresholds_say(case: Case, thresholds: str) -> None:
    """As the rules' docstrings have it, put in code a second time."""
    assert not series(case, thresholds).contradicting


@every_case
@every_set
def test_no_signal_hangs_on_the_last_digits_of_a_machine(case: Case, thresholds: str) -> None:
    """Nor does a digit of the golden files.

    A processor without AVX (NPY_DISABLE_CPU_FEATURES) moves what decides by 1.7e-13 at most, and no golden file. Where a
    candle comes so near a threshold that its golden file would round it onto it, the file says which candle that is.
    """
    seen = series(case, thresholds)
    assert seen.nearest > 1e-9
    millionths = 1e6 * np.array([number for look in seen.signals for number in numbers(look)])
    assert np.abs(millionths % 1 - 0.5).min(initial=1) > 1e-6


def test_every_recording_has_its_golden_files() -> None:
    unlisted = {path.name for path in MARKET_DATA.glob("*.csv.gz")} - set(RECORDINGS.values())
    assert {path.name for path in GOLDEN.iterdir()} == {
        golden_of(case, thresholds).name for case in CASES for thresholds in THRESHOLDS
    }
    if unlisted:
        pytest.skip(f"beside the checkout, but not in RECORDINGS: {', '.join(sorted(unlisted))}")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_phases_1_and_2_share_their_thresholds(strategy: str) -> None:
    one, other = (configuration(strategy, ending) for ending in THRESHOLDS[PHASES_1_2])
    assert one.rule == other.rule


@pytest.mark.slow
@every_case
def test_candle_by_candle_the_signals_are_those_of_the_series(case: Case) -> None:
    """Each candle as the newest, with exactly those before it that the rule needs.

    Both sets of thresholds judge the same features, and the higher one sees nothing where the lower one sees nothing.
    """
    candles, lower, higher = case.candles, case.rules[PHASES_1_2], case.rules[NORMAL]
    features = lower.features(candles)
    for name, column in higher.features(candles).items():
        np.testing.assert_array_equal(column, features[name])
    signals = [case.place(look) for look in series(case, PHASES_1_2).signals]
    places = sorted({*range(case.first_place, len(candles), EVERY), *signals})
    by_lower, by_higher, values = [], [], []
    for place in places:
        newest = window(candles, place, case.first_place + 1)
        look = evaluate_last(lower, newest)
        assert look is not None
        values.append([*look.values.values()])
        if look.opportunity is not None:
            by_lower.append(look)
            again = evaluate_last(higher, newest)
            assert again is not None
            by_higher += [again] if again.opportunity is not None else []
    in_series = np.column_stack([*features.values()])[places]
    np.testing.assert_allclose(np.array(values), in_series, rtol=1e-6, atol=1e-12)
    assert_same_signals(series(case, PHASES_1_2).signals, by_lower)
    assert_same_signals(series(case, NORMAL).signals, by_higher)


def spans(case: Case, thresholds: str) -> list[range]:
    """The shortest span with SIGNALS in EPISODES; where there is none, each signal by itself."""
    parted = [[case.place(look) for look in together] for together in episodes(case, series(case, thresholds).signals)]
    enough = []
    for first in range(len(parted)):
        for last in range(first + EPISODES - 1, len(parted)):
            if sum(map(len, parted[first : last + 1])) >= SIGNALS:
                enough.append(range(parted[first][0], parted[last][-1] + 1))
                break
    return [min(enough, key=len)] if enough else [range(place, place + 1) for together in parted for place in together]


@every_case
@every_set
def test_in_the_bot_the_signals_are_those_of_the_series(case: Case, thresholds: str) -> None:
    """Candle by candle over the spans of this set of thresholds and of the lower one, and over the recording's end.

    Limits and cooldown are those of the configuration: what they refuse is in the journal as well.
    """
    count = len(case.candles)
    places = {*range(count - AROUND, count)}
    for span in (*spans(case, PHASES_1_2), *spans(case, thresholds)):
        places |= {*range(max(case.first_place, span.start - AROUND), min(count, span.stop + AROUND))}
    in_series = [look for look in series(case, thresholds).signals if case.place(look) in places]
    assert len(in_series) >= min(SIGNALS, len(series(case, thresholds).signals))
    decided = signals_in_bot(case, thresholds, sorted(places))
    assert_same_signals([without_prices(look) for look in in_series], [as_evaluation(signal) for signal in decided])
    assert all(signal.thresholds == case.rules[thresholds].thresholds for signal in decided)


def as_evaluation(signal: ev.SignalDecided) -> Evaluation:
    opportunity = Opportunity(signal.side, signal.confidence, signal.components)
    return Evaluation(signal.candle_close_ms, signal.price, signal.values, opportunity)


def without_prices(look: Evaluation) -> Evaluation:
    """Where the rule wants out becomes the executor's barriers, and is no part of a signal's event."""
    return replace(look, opportunity=replace(found(look), stop_price=None, target_price=None))


if __name__ == "__main__":
    for case in CASES:
        for thresholds in THRESHOLDS:
            golden_of(case, thresholds).write_text(as_text(case, thresholds))
