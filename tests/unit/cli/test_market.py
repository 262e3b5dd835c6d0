"""`--venue` and `--speed`: each wrong value is one sentence."""

from pathlib import Path

import pytest

from shared.cli.errors import UsageError
from shared.cli.market import VENUE_HELP, MarketChoice, parse_market, parse_speed
from shared.simulator.errors import RecordingError
from shared.simulator.scenario import DEFAULT_START_MS
from shared.simulator.synthetic import DEFAULT_WARMUP_S as SIMULATED_WARMUP_S


@pytest.fixture(autouse=True)
def _no_venue_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECOVERY_VENUE_URL", raising=False)


@pytest.mark.parametrize(("name", "live"), [("simulated", False), ("live", True)])
def test_markets_without_a_file(name: str, live: bool) -> None:
    market = parse_market(name, seed=7)
    assert market == MarketChoice(name, 7, ())
    assert market.is_live is live
    assert market.pairs is None


@pytest.mark.parametrize("name", ["mars", "", "Simulated", "replay", "live "])
def test_an_unknown_market_is_named(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_market(name, seed=1)
    assert str(refused.value) == f"--venue = {name}: must be {VENUE_HELP}"


def recording(folder: Path, pair: str = "BTC-USDT", minutes: int = 400, start_s: int = 1_736_121_600) -> Path:
    path = folder / f"sample_{pair}_1m.csv"
    rows = [f"{start_s + 60 * minute},100,101,99,100,5" for minute in range(minutes)]
    path.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    return path


def test_a_replay_brings_its_pairs_and_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording(tmp_path)
    recording(tmp_path, "ETH-USDT")
    monkeypatch.chdir(tmp_path)
    market = parse_market("replay:sample_BTC-USDT_1m.csv@2025-01-06T05:30,sample_ETH-USDT_1m.csv@2025-01-06T05:30", 1)
    assert [spec.path for spec in market.recordings] == [
        tmp_path / "sample_BTC-USDT_1m.csv",
        tmp_path / "sample_ETH-USDT_1m.csv",
    ]
    assert not market.is_live
    assert market.pairs == ["BTC-USDT", "ETH-USDT"]
    assert market.start_s == 1_736_121_600 + 5.5 * 3600
    venue = market.venue(["BTC-USDT"], market.start_s, lambda: market.start_s)
    assert venue.start_ms == market.start_s * 1000


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sample_BTC-USDT_1m.csv"
    with pytest.raises(RecordingError) as refused:
        parse_market(f"replay:{path}", 1)
    assert str(refused.value) == f"--venue = replay:{path}: no such file; give the path of a recording"


@pytest.mark.parametrize("name", ["replay:", "replay:a.csv,,b.csv", "replay:a.csv@noon", "replay:@2025-01-06T00:00"])
def test_a_replay_that_cannot_be_read_is_refused(name: str) -> None:
    with pytest.raises(RecordingError):
        parse_market(name, 1)


def test_a_simulated_market_starts_where_its_candles_do() -> None:
    market = parse_market("simulated", 3)
    assert market.start_s == DEFAULT_START_MS / 1000
    venue = market.venue(["BTC-USDT"], market.start_s, lambda: market.start_s)
    assert venue.start_ms == DEFAULT_START_MS


# How the journal names it.


def test_a_market_is_named_with_its_seed_and_live_without(tmp_path: Path) -> None:
    assert parse_market("simulated", 3).description == "simulated, seed 3"
    assert parse_market("live", 3).description == "live"
    path = recording(tmp_path)
    # The START and the history it comes to, and how far each recording is moved to the clock of the first.
    assert parse_market(f"replay:{path}", 3).description == (
        f"replay:{path}@2025-01-06T05:00, seed 3, history 18000 s, moved BTC-USDT 0 ms"
    )
    other = recording(tmp_path, "ETH-USDT")
    named = parse_market(f"replay:{path}@2025-01-06T05:30,{other}@2025-01-06T05:45Z", 3).description
    assert named == (
        f"replay:{path}@2025-01-06T05:30,{other}@2025-01-06T05:45, seed 3, history 18000 s, "
        "moved BTC-USDT 0 ms, ETH-USDT -900000 ms"
    )


def test_a_start_after_the_last_file_alone_is_that_of_all(tmp_path: Path) -> None:
    path, other = recording(tmp_path), recording(tmp_path, "ETH-USDT")
    both = parse_market(f"replay:{path},{other}@2025-01-06T05:45", 1)
    assert both.title.splitlines()[1:] == [f"{file.name}@2025-01-06T05:45" for file in (path, other)]
    assert "moved BTC-USDT 0 ms, ETH-USDT 0 ms" in both.description


def test_a_recording_is_named_the_same_however_it_was_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same candle is the same evidence: it must not count again because somebody typed another path."""
    path = recording(tmp_path)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    named = {parse_market(f"replay:{path}@2025-01-06T05:30", 1).description}
    for where, way in (
        (tmp_path, path.name),
        (tmp_path, f"./{path.name}"),
        (folder, f"../{path.name}"),
        (folder, f"link/{path.name}"),
    ):
        monkeypatch.chdir(where)
        named.add(parse_market(f"replay:{way}@2025-01-06T05:30", 1).description)
    assert len(named) == 1
    assert named.pop().startswith(f"replay:{path}@2025-01-06T05:30, seed 1, ")


# How much history there is.


def test_a_simulated_market_has_so_much_history_and_no_more() -> None:
    market = parse_market("simulated", 1)
    assert market.with_history(SIMULATED_WARMUP_S).history_s == SIMULATED_WARMUP_S
    with pytest.raises(UsageError) as refused:
        market.with_history(SIMULATED_WARMUP_S + 3600)
    hours = SIMULATED_WARMUP_S // 3600
    assert str(refused.value) == (
        f"--venue = simulated: has {hours} h of history, the configuration needs {hours + 1} h"
    )


def test_the_longest_configuration_of_this_project_has_history_enough(bot_home: Path) -> None:
    from shared.bot.script_config import load_script_config

    for path in sorted((bot_home / "conf" / "scripts").glob("*.yml")):
        parse_market("simulated", 1).with_history(load_script_config(path).markets_needed()[1])


def test_a_recording_without_a_start_begins_once_there_is_history_enough(tmp_path: Path) -> None:
    market = parse_market(f"replay:{recording(tmp_path, minutes=600)}", 1)
    assert market.start_s == 1_736_121_600 + 5 * 3600
    longer = market.with_history(7 * 3600)
    assert longer.start_s == 1_736_121_600 + 7 * 3600
    assert longer.with_history(3600) == longer, "what was asked for before is still there"
    assert longer.venue(["BTC-USDT"], longer.start_s, lambda: longer.start_s).start_ms == longer.start_s * 1000


def test_an_open_market_stays_where_it_began(tmp_path: Path) -> None:
    path = recording(tmp_path, minutes=600)
    opened = parse_market(f"replay:{path}", 1).with_history(6 * 3600).opened()
    assert opened.start_s == opened.with_history(3600).start_s == 1_736_121_600 + 6 * 3600
    with pytest.raises(RecordingError, match="START 2025-01-06T06:00 is outside"):
        opened.with_history(7 * 3600)
    assert parse_market("simulated", 1).opened() == parse_market("simulated", 1)


def test_a_start_with_too_little_history_before_it_is_named(tmp_path: Path) -> None:
    path = recording(tmp_path, minutes=600)
    market = parse_market(f"replay:{path}@2025-01-06T06:00", 1)
    assert market.with_history(6 * 3600).start_s == 1_736_121_600 + 6 * 3600
    with pytest.raises(RecordingError) as refused:
        market.with_history(6 * 3600 + 60)
    assert str(refused.value).startswith(f"{path}: START 2025-01-06T06:00 is outside 2025-01-06T06:01 to ")
    assert "\n" not in str(refused.value)


def test_a_recording_shorter_than_the_history_is_named(tmp_path: Path) -> None:
    path = recording(tmp_path, minutes=600)
    with pytest.raises(RecordingError) as refused:
        parse_market(f"replay:{path}", 1).with_history(11 * 3600)
    assert str(refused.value).startswith(f"{path}: it spans only ")
    assert "11 h of candles before its START" in str(refused.value)


def test_live_data_has_whatever_history_the_exchange_has() -> None:
    assert parse_market("live", 1).with_history(10**9).is_live


def test_live_is_refused_where_the_environment_names_a_local_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOVERY_VENUE_URL", "http://127.0.0.1:8765")
    with pytest.raises(UsageError, match="--venue = live: RECOVERY_VENUE_URL is set"):
        parse_market("live", 1)
    assert parse_market("simulated", 1).name == "simulated"


@pytest.mark.parametrize(
    ("text", "live", "speed"),
    [
        (None, False, None),
        (None, True, 1.0),
        ("max", False, None),
        ("20", False, 20.0),
        ("0.5", False, 0.5),
        ("1000", False, 1000.0),
        ("1", True, 1.0),
    ],
)
def test_speeds(text: str | None, live: bool, speed: float | None) -> None:
    assert parse_speed(text, live=live) == speed


@pytest.mark.parametrize(
    ("text", "live", "sentence"),
    [
        ("fast", False, "--speed = fast: must be a number above 0, or max"),
        ("", False, "--speed = : must be a number above 0, or max"),
        ("0", False, "--speed = 0: must be above 0 and at most 1000, or max"),
        ("-1", False, "--speed = -1: must be above 0 and at most 1000, or max"),
        ("nan", False, "--speed = nan: must be above 0 and at most 1000, or max"),
        ("1001", False, "--speed = 1001: must be above 0 and at most 1000, or max"),
        ("2", True, "--speed = 2: a live market runs at speed 1"),
        ("max", True, "--speed = max: a live market runs at speed 1"),
    ],
)
def test_each_wrong_speed_is_one_sentence(text: str, live: bool, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_speed(text, live=live)
    assert str(refused.value) == sentence
