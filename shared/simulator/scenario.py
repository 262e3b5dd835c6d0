"""What a run trades: the seeded market or recordings, as a venue that lists each pair both spot and perpetual."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from shared.domain.candles import CandleSeries
from shared.simulator.depth import BookShape
from shared.simulator.errors import RecordingError, UnknownPair
from shared.simulator.instruments import instrument_for
from shared.simulator.market import Market
from shared.simulator.price_path import DEFAULT_STEP_S, path_from_candles
from shared.simulator.recording import DEFAULT_WARMUP_S as RECORDED_WARMUP_S
from shared.simulator.recording import Recording, RecordingSpec, load_recording
from shared.simulator.synthetic import DEFAULT_DURATION_S, DEFAULT_WARMUP_S, synthetic_prices
from shared.simulator.venue import Venue

DEFAULT_START_MS = 1_736_121_600_000
"""2025-01-06T00:00:00Z, a Monday: where the seeded market starts unless told otherwise."""

DEFAULT_SEED = 1
_HISTORY_S = 3 * 86_400  # of a recording before its START; more is read but not kept


def simulated(
    pairs: Sequence[str],
    seed: int = DEFAULT_SEED,
    start_ms: int = DEFAULT_START_MS,
    duration_s: int = DEFAULT_DURATION_S,
    warmup_s: int = DEFAULT_WARMUP_S,
    step_s: int = DEFAULT_STEP_S,
    shape: BookShape | None = None,
    clock: Callable[[], float] | None = None,
) -> Venue:
    """A venue of seeded markets.

    Args:
        pairs: `BTC-USDT` and so on.
        start_ms: The virtual start, epoch milliseconds; taken down to its minute.
        duration_s: How long there is a market from there on.
        warmup_s: How much history there is before it.

    Raises:
        UnknownPair: A pair that the venue does not list.
    """
    start_ms -= start_ms % 60_000
    markets = []
    for pair in dict.fromkeys(pairs):
        prices = synthetic_prices(instrument_for(pair, False), seed, start_ms, duration_s, warmup_s, step_s)
        for perpetual in (False, True):
            instrument = instrument_for(pair, perpetual)
            markets.append(Market(instrument, prices.path(instrument), seed, shape))
    return Venue(markets, start_ms, clock)


def replay(
    specs: Iterable[RecordingSpec],
    pairs: Sequence[str] | None = None,
    seed: int = DEFAULT_SEED,
    warmup_s: int = RECORDED_WARMUP_S,
    step_s: int = DEFAULT_STEP_S,
    shape: BookShape | None = None,
    start_ms: int | None = None,
    clock: Callable[[], float] | None = None,
) -> Venue:
    """A venue of recorded markets.

    The virtual start is `start_ms`, or else the first recording's START. Each recording is moved by a constant so that
    its START falls on that moment: several dates play side by side.
    Candles longer than a minute stay whole only if both STARTs lie alike within such a candle.

    Args:
        specs: See `parse_replay_spec`.
        pairs: What the bot is going to trade; every one needs a recording. Default: no check.
        seed: Of what happens inside the candles, and of the books.
        start_ms: Where the market's clock starts, epoch milliseconds; taken down to its minute.

    Raises:
        RecordingError: A file or its START cannot be used, or two files hold the same pair.
        UnknownPair: A pair that the venue does not list, or one of `pairs` without a recording.
    """
    recordings = [load_recording(spec, warmup_s) for spec in specs]
    if not recordings:
        raise RecordingError("A replay needs at least one recording; none was given.")
    recorded = [recording.pair for recording in recordings]
    for pair in recorded:
        if recorded.count(pair) > 1:
            raise RecordingError(f"Two recordings hold {pair}; a replay takes one file per pair.")
    for pair in pairs or ():
        if pair not in recorded:
            raise UnknownPair(f"There is no recording of {pair}; the replay holds {', '.join(recorded)}.")
    start_ms = recordings[0].start_ms if start_ms is None else start_ms - start_ms % 60_000
    markets = []
    for recording in recordings:
        candles = _shifted(recording, start_ms - recording.start_ms, max(warmup_s, _HISTORY_S))
        for perpetual in (False, True):
            instrument = instrument_for(recording.pair, perpetual)
            try:
                path = path_from_candles(candles, instrument, step_s, seed)
            except ValueError as error:
                raise RecordingError(f"{recording.path}: {error}.") from error
            markets.append(Market(instrument, path, seed, shape))
    return Venue(markets, start_ms, clock)


def _shifted(recording: Recording, offset_ms: int, history_s: int) -> CandleSeries:
    """The recording's candles from `history_s` before its START, moved by `offset_ms`."""
    candles = recording.candles
    first = int(np.searchsorted(candles.open_time_s, recording.start_ms // 1000 - history_s))
    return CandleSeries(
        candles.open_time_s[first:] + offset_ms // 1000,
        candles.open[first:],
        candles.high[first:],
        candles.low[first:],
        candles.close[first:],
        candles.volume[first:],
        candles.interval_s,
    )
