"""Recordings: what is refused, in which words, and where a replay starts."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from shared.simulator.errors import RecordingError
from shared.simulator.recording import RecordingSpec, load_recording, parse_replay_spec

FIRST_S = int(datetime(2025, 6, 1, tzinfo=UTC).timestamp())
MARKET_DATA = Path(__file__).resolve().parents[3] / "../shared/market_data"
NAME = "test_BTC-USDT_1m_2025.csv"


def frame(count: int = 400) -> pd.DataFrame:
    rows = [(FIRST_S + 60 * n, 100.0, 101.0, 99.0, 100.5, 1.25) for n in range(count)]
    return pd.DataFrame(rows, columns=["timestamp", "open", "high", "low", "close", "volume"])


def saved(folder: Path, data: pd.DataFrame, name: str = NAME) -> RecordingSpec:
    path = folder / name
    data.to_parquet(path) if path.suffix == ".parquet" else data.to_csv(path, index=False)
    return RecordingSpec(path)


@pytest.mark.parametrize("name", [NAME, NAME + ".gz", "BTC-USDT_1m.parquet"])
def test_every_format_is_read_alike(tmp_path: Path, name: str) -> None:
    recording = load_recording(saved(tmp_path, frame(), name))
    assert (recording.pair, recording.candles.interval_s) == ("BTC-USDT", 60)
    assert recording.start_ms == (FIRST_S + 5 * 3600) * 1000
    assert len(recording.candles.open_time_s) == 400
    assert (recording.candles.high[7], recording.candles.volume[7]) == (101.0, 1.25)


def broken(column: str, row: int, value: object) -> pd.DataFrame:
    data = frame().astype(object)
    data.loc[row - 1, column] = value
    return data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (frame().drop(columns="low"), "column 'low' is missing; required are timestamp, open, high, low, close"),
        (frame(1), "it has 1 rows; at least two candles are needed"),
        (broken("timestamp", 20, FIRST_S), f"row 20, timestamp {FIRST_S}: it is before the row above it.*unsorted"),
        (broken("timestamp", 20, FIRST_S + 60 * 18), r"row 20, timestamp \d+: it repeats the row before \(duplicate\)"),
        (frame().drop(index=30), r"row 31, timestamp \d+: it is not 60 s after the row before \(gap\)"),
        (broken("low", 9, 100.2), r"row 9, open 100.0: low <= open, close <= high must hold"),
        (broken("close", 9, 101.5), r"row 9, close 101.5: low <= open, close <= high must hold"),
        (broken("high", 12, None), r"row 12, high nan: it must be a finite number"),
        (broken("high", 12, "dear"), r"row 12, high dear: it must be a finite number"),
        (broken("volume", 3, -1), r"row 3, volume -1.0: volumes must be 0 or more"),
        (broken("low", 3, -1), r"row 3, low -1.0: prices must be above 0"),
        (broken("timestamp", 5, FIRST_S + 240.5), r"row 5, timestamp .*: it must be whole epoch seconds"),
        (frame().assign(timestamp=lambda d: d.timestamp * 1000), r"row 1, timestamp .*: it must be epoch seconds UTC"),
        (frame().assign(timestamp=lambda d: d.timestamp + 7), r"they must last whole minutes and open on one"),
    ],
)
def test_an_unsound_file_is_refused(tmp_path: Path, data: pd.DataFrame, message: str) -> None:
    spec = saved(tmp_path, data)
    with pytest.raises(RecordingError, match=message) as caught:
        load_recording(spec)
    assert str(caught.value).startswith(f"{spec.path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"BTC-USDT_1m\.csv: no such file"):
        load_recording(RecordingSpec(tmp_path / "BTC-USDT_1m.csv"))


def test_a_name_without_a_pair_or_a_known_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="names no pair"):
        load_recording(saved(tmp_path, frame(), "bitcoin.csv"))
    with pytest.raises(RecordingError, match=r"allowed are files ending in \.csv, \.csv\.gz, \.parquet"):
        load_recording(RecordingSpec(tmp_path / "BTC-USDT_1m.json"))


@pytest.mark.parametrize("name", [NAME + ".gz", "BTC-USDT_1m.parquet", NAME])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"timestamp")[:-5] if name.endswith("gz") else b"")
    with pytest.raises(RecordingError, match="cannot be read as"):
        load_recording(RecordingSpec(tmp_path / name))


def test_start_must_lie_within_the_file_after_the_warmup(tmp_path: Path) -> None:
    path = saved(tmp_path, frame()).path
    start_ms = (FIRST_S + 5 * 3600 + 60) * 1000
    assert load_recording(RecordingSpec(path, start_ms)).start_ms == start_ms
    for start in ("2025-06-01T04:59", "2025-06-01T06:40", "2024-01-01T00:00"):
        (spec,) = parse_replay_spec(f"replay:{path}@{start}")
        allowed = f"START {start} is outside 2025-06-01T05:00 to 2025-06-01T06:40"
        with pytest.raises(RecordingError, match=allowed):
            load_recording(spec)
    with pytest.raises(RecordingError, match="a replay needs 7 h of candles before its START"):
        load_recording(RecordingSpec(path), warmup_s=7 * 3600)


def test_specs_are_parsed() -> None:
    specs = parse_replay_spec("replay:a_BTC-USDT_1m.csv@2025-06-21T00:00, dir@home/b.csv@2025-06-21T00:01Z,c.csv")
    assert [str(spec.path) for spec in specs] == ["a_BTC-USDT_1m.csv", "dir@home/b.csv", "c.csv"]
    midnight_ms = int(datetime(2025, 6, 21, tzinfo=UTC).timestamp()) * 1000
    assert [spec.start_ms for spec in specs] == [midnight_ms, midnight_ms + 60_000, None]


@pytest.mark.parametrize("start", ["2025-06-21", "2025-06-21T00:00:00", "2025-13-21T00:00", "soon", ""])
def test_a_bad_start_is_refused(start: str) -> None:
    with pytest.raises(RecordingError, match=f"a.csv: START '{start}' is not a UTC minute such as 2025-06-21T00:00"):
        parse_replay_spec(f"replay:a.csv@{start}")


@pytest.mark.parametrize("text", ["replay:", "replay:a.csv,,b.csv", "replay:@2025-06-21T00:00"])
def test_a_replay_without_a_file_is_refused(text: str) -> None:
    with pytest.raises(RecordingError, match="names no file"):
        parse_replay_spec(text)


@pytest.mark.skipif(not MARKET_DATA.is_dir(), reason="the recordings in ../shared/market_data are absent")
def test_the_real_recordings_load() -> None:
    pairs = {load_recording(RecordingSpec(path)).pair for path in MARKET_DATA.glob("*.csv.gz")}
    assert pairs == {"BTC-USDT", "DOT-USDT", "ETH-USDT", "SOL-USDT"}
