"""Recorded candles from CSV or Parquet files, checked row by row before anything is replayed from them.

A file has the columns `timestamp` (epoch seconds UTC of the candle's open), `open`, `high`, `low`, `close` and `volume`
(base units), and carries its pair in its name: `anything_BTC-USDT_1m_anything.csv.gz`.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from shared.domain.candles import CandleSeries
from shared.simulator.errors import RecordingError
from shared.simulator.price_path import Floats, Ints

DEFAULT_WARMUP_S = 5 * 3600
_REPLAY = "replay:"
_COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
_PAIR = re.compile(r"(?:^|_)([A-Z0-9]+-[A-Z0-9]+)(?=_|\.)")
_START = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z?")
_SUFFIXES = (".csv", ".csv.gz", ".parquet")
_MINUTE_S = 60


@dataclass(frozen=True)
class RecordingSpec:
    """A file to replay and the minute to start at; None for the first one with enough history before it."""

    path: Path
    start_ms: int | None = None


@dataclass(frozen=True)
class Recording:
    """A checked recording.

    Attributes:
        pair: From the file's name, `BTC-USDT`.
        candles: All of the file's candles.
        start_ms: Where the replay starts, epoch milliseconds, a whole minute.
        path: Where it was read from.
    """

    pair: str
    candles: CandleSeries
    start_ms: int
    path: Path


def parse_replay_spec(text: str) -> tuple[RecordingSpec, ...]:
    """Read `replay:FILE[@START],FILE[@START]...`; START is a UTC minute, `2025-06-21T00:00`.

    A START after the last file alone is that of all.

    Raises:
        RecordingError: No file is named, or a START is no such minute.
    """
    parts = [part.strip() for part in text.removeprefix(_REPLAY).split(",")]
    if not all(parts):
        raise RecordingError(f"The replay {text!r} names no file somewhere: write replay:FILE[@START],FILE[@START].")
    specs = tuple(_parse_one(part) for part in parts)
    if all(spec.start_ms is None for spec in specs[:-1]):
        # Otherwise each file would start where its history allows, and pairs of one time would be shifted apart.
        return tuple(replace(spec, start_ms=specs[-1].start_ms) for spec in specs)
    return specs


def _parse_one(part: str) -> RecordingSpec:
    name, separator, start = part.rpartition("@")
    if not separator:
        return RecordingSpec(Path(part))
    if not name:
        raise RecordingError(f"The replay {part!r} names no file: write FILE@START.")
    try:
        if not _START.fullmatch(start):
            raise ValueError(start)
        moment = datetime.fromisoformat(start.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        raise RecordingError(
            f"{name}: START {start!r} is not a UTC minute such as 2025-06-21T00:00; write FILE@START."
        ) from None
    return RecordingSpec(Path(name), int(moment.timestamp()) * 1000)


def load_recording(spec: RecordingSpec, warmup_s: int = DEFAULT_WARMUP_S) -> Recording:
    """Read and check one file.

    Args:
        warmup_s: Seconds of candles that must lie before START, for indicators to be computed from.

    Raises:
        RecordingError: The file is missing, unreadable or unsound, or START does not lie within it; in one sentence.
    """
    path = spec.path
    match = _PAIR.search(path.name)
    if match is None:
        raise RecordingError(
            f"{path}: the file name names no pair; it must look like venue_BTC-USDT_1m_2023-03.csv.gz."
        )
    candles = _checked(_read(path), path)
    first_ms, end_ms = int(candles.open_time_s[0]) * 1000, candles.last_close_ms
    earliest_ms = first_ms + warmup_s * 1000
    start_ms = earliest_ms if spec.start_ms is None else spec.start_ms
    if not earliest_ms <= start_ms < end_ms:
        if earliest_ms >= end_ms:
            raise RecordingError(
                f"{path}: it spans only {_iso(first_ms)} to {_iso(end_ms)}, but a replay needs {warmup_s / 3600:g} h"
                " of candles before its START."
            )
        raise RecordingError(
            f"{path}: START {_iso(start_ms)} is outside {_iso(earliest_ms)} to {_iso(end_ms)}, the file's span less"
            f" {warmup_s / 3600:g} h of history."
        )
    return Recording(match.group(1), candles, start_ms, path)


def _read(path: Path) -> pd.DataFrame:
    if not path.name.endswith(_SUFFIXES):
        raise RecordingError(f"{path}: not a recording; allowed are files ending in {', '.join(_SUFFIXES)}.")
    if not path.is_file():
        raise RecordingError(f"{path}: no such file; give the path of a recording.")
    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError, EOFError) as error:  # pandas' and Arrow's parse errors are ValueErrors
        raise RecordingError(f"{path}: cannot be read as {path.suffix[1:]} ({error}).") from error
    for column in _COLUMNS:
        if column not in frame.columns:
            raise RecordingError(f"{path}: column {column!r} is missing; required are {', '.join(_COLUMNS)}.")
    if len(frame) < 2:
        raise RecordingError(f"{path}: it has {len(frame)} rows; at least two candles are needed.")
    return frame


def _checked(frame: pd.DataFrame, path: Path) -> CandleSeries:
    columns = {name: _numbers(frame, name, path) for name in _COLUMNS}
    stamps, interval_s = _stamps(columns["timestamp"], path)
    opens, highs, lows, closes, volumes = (columns[name] for name in _COLUMNS[1:])
    for name in ("open", "high", "low", "close"):
        _refuse(columns[name] <= 0, columns[name], path, name, "prices must be above 0")
    _refuse(volumes < 0, volumes, path, "volume", "volumes must be 0 or more")
    for name, values in (("open", opens), ("close", closes)):
        _refuse((values < lows) | (values > highs), values, path, name, "low <= open, close <= high must hold")
    return CandleSeries(stamps, opens, highs, lows, closes, volumes, interval_s)


def _numbers(frame: pd.DataFrame, name: str, path: Path) -> Floats:
    values: Floats = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
    _refuse(~np.isfinite(values), frame[name].to_numpy(), path, name, "it must be a finite number")
    return values


def _stamps(values: Floats, path: Path) -> tuple[Ints, int]:
    """Epoch seconds as integers, and the interval between them, after checking that they ascend without a gap."""
    _refuse(values != np.floor(values), values, path, "timestamp", "it must be whole epoch seconds")
    _refuse((values < 1e8) | (values > 1e11), values, path, "timestamp", "it must be epoch seconds UTC")
    stamps = values.astype(np.int64)
    steps = np.diff(stamps, prepend=stamps[0])
    _refuse(np.append(False, steps[1:] == 0), stamps, path, "timestamp", "it repeats the row before (duplicate)")
    _refuse(steps < 0, stamps, path, "timestamp", "it is before the row above it; rows must ascend (unsorted)")
    interval_s = int(np.median(steps[1:]))
    off = np.append(False, steps[1:] != interval_s)
    _refuse(off, stamps, path, "timestamp", f"it is not {interval_s} s after the row before (gap)")
    if interval_s % _MINUTE_S or stamps[0] % _MINUTE_S:
        raise RecordingError(
            f"{path}: candles of {interval_s} s from timestamp {stamps[0]}; they must last whole minutes and open on"
            " one."
        )
    return stamps, interval_s


def _refuse(bad: npt.NDArray[np.bool_], values: npt.NDArray[np.generic], path: Path, name: str, rule: str) -> None:
    """Raise for the first bad row, counting the first candle as row 1."""
    rows = np.flatnonzero(bad)
    if len(rows):
        value = values[rows[0]]
        raise RecordingError(f"{path}: row {rows[0] + 1}, {name} {value}: {rule}.")


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M")
