"""Bad input: one line that names file, field, value and what is allowed; exit code 2; nothing half-started."""

import socket
from collections.abc import Callable

import pytest

from tests.acceptance.bot_home import BotHome

CONTROLLER = "controllers/recovery_dca_phase1.yml"
SCRIPT = "scripts/recovery_dca_phase1.yml"


def _nothing(_: BotHome) -> None:
    pass


def _edit(file: str, old: str, new: str) -> Callable[[BotHome], None]:
    return lambda home: home.edit(file, old, new)


@pytest.mark.parametrize(
    ("damage", "arguments", "expected"),
    [
        pytest.param(
            _edit(CONTROLLER, "drop_threshold: 0.03", "drop_treshold: 0.03"),
            [],
            [CONTROLLER, "drop_treshold = 0.03", "no such setting"],
            id="unknown key",
        ),
        pytest.param(
            _edit(CONTROLLER, "drop_threshold: 0.03", "drop_threshold: 3"),
            [],
            [CONTROLLER, "drop_threshold = 3", "fraction above 0 and below 0.5"],
            id="3 for 3 %",
        ),
        pytest.param(
            _edit(SCRIPT, "recovery_dca_phase1.yml", "absent.yml"),
            [],
            ["absent.yml", "no such file"],
            id="missing file",
        ),
        pytest.param(
            _edit(SCRIPT, "ETH-USDT", "FOO-USDT"), [], [SCRIPT, "pairs = FOO-USDT", "BTC-USDT"], id="unknown pair"
        ),
        pytest.param(_edit(SCRIPT, "ETH-USDT", "ETHUSDT"), [], [SCRIPT, "pairs", "ETHUSDT"], id="malformed pair"),
        pytest.param(
            _edit(CONTROLLER, "binance_paper_trade", "binance"),
            [],
            ["connector_name = binance", "only paper connectors"],
            id="live connector",
        ),
        pytest.param(
            _edit(SCRIPT, "max_positions_per_pair: 1", "max_positions_per_pair: 9"),
            [],
            [SCRIPT, "max_positions_per_pair = 9", "max_positions = 4"],
            id="limits that contradict each other",
        ),
        pytest.param(
            _edit(CONTROLLER, "levels: 3", "levels: true"),
            [],
            [CONTROLLER, "levels = true", "whole number from 1 to 10"],
            id="a switch for a number",
        ),
        pytest.param(
            _edit(CONTROLLER, "stop_loss: 0.04", "stop_loss: .nan"),
            [],
            [CONTROLLER, "stop_loss = nan", "fraction above 0 and below 0.5"],
            id="no number at all",
        ),
        pytest.param(
            _edit(CONTROLLER, "levels: 3", "levels: 3\nlevels: 5"),
            [],
            [CONTROLLER, "levels = 5", "must be given once"],
            id="a setting given twice",
        ),
        pytest.param(
            _edit(CONTROLLER, "drop_threshold: 0.03\n", ""),
            [],
            [CONTROLLER, "drop_threshold: is missing", "fraction above 0"],
            id="a setting left out",
        ),
        pytest.param(
            _edit(CONTROLLER, "phase: 1", "phase: 2"), [], [CONTROLLER, "phase = 2", "must be 1"], id="another phase's"
        ),
        pytest.param(
            _edit(CONTROLLER, "trailing_delta: null", "trailing_delta: 0.02"),
            [],
            [CONTROLLER, "trailing_activation = null", "a fraction where trailing_delta is one"],
            id="half a trailing stop",
        ),
        pytest.param(
            _edit(SCRIPT, "capital_quote: 3000", "capital_quote: 599"),
            [],
            [SCRIPT, "capital_quote = 599", "at least one position", "600"],
            id="capital below one position",
        ),
        pytest.param(
            _edit(SCRIPT, "- recovery_dca_phase1.yml", "- recovery_dca_phase1.yml\n- recovery_dca_phase1.yml"),
            [],
            [SCRIPT, "controllers_config", "must name each once"],
            id="a strategy file twice",
        ),
        pytest.param(_edit(SCRIPT, "pairs:", "pairs: ["), [], [SCRIPT, "cannot be read as YAML"], id="no YAML"),
        pytest.param(_nothing, ["--conf", ""], ["--conf = ''", "file of conf/scripts"], id="no conf"),
        pytest.param(
            _nothing, ["--conf", "recovery_swing.yml"], ["--conf", "for recovery_swing.py"], id="another script's conf"
        ),
        pytest.param(
            _nothing, ["--script", "../run.py"], ["--script = ../run.py", "file of hummingbot_scripts"], id="a path"
        ),
        pytest.param(
            _nothing, ["--conf", "absent.yml"], ["absent.yml", "no such file", "recovery_dca.yml"], id="script conf"
        ),
        pytest.param(_nothing, ["--script", "absent.py"], ["absent.py", "recovery_dca.py"], id="script"),
        pytest.param(_nothing, ["--venue", "mars"], ["--venue = mars", "simulated"], id="venue"),
        pytest.param(_nothing, ["--venue", "replay:absent.csv.gz"], ["absent.csv.gz", "no such file"], id="recording"),
        pytest.param(_nothing, ["--speed", "fast"], ["--speed = fast", "number above 0"], id="speed"),
        pytest.param(_nothing, ["--until-trades", "-1"], ["--until-trades = -1", "at least 0"], id="until-trades"),
        pytest.param(_nothing, ["--report", "absent/report.json"], ["--report", "does not exist"], id="report"),
    ],
)
def test_one_line_exit_2_and_nothing_started(
    home: BotHome, damage: Callable[[BotHome], None], arguments: list[str], expected: list[str]
) -> None:
    damage(home)

    done = home.recovery("run", *arguments)

    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    for part in expected:
        assert part in done.stderr
    assert not (home.path / "data" / "recovery_journal.sqlite").exists()


def test_a_home_takes_one_bot(home: BotHome) -> None:
    first = home.start("run", "--until-trades", "100000", "--speed", "60")
    try:
        assert first.stdout is not None
        first.stdout.readline()
        second = home.recovery("run")
        assert second.returncode == 2
        assert f"locked by process {first.pid}" in second.stderr
        assert second.stderr.count("\n") == 1
    finally:
        first.terminate()
        first.communicate(timeout=120)


def test_a_port_in_use_is_named(home: BotHome) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = home.recovery("venue", "--port", str(port))
    assert done.returncode == 2
    assert f"127.0.0.1:{port}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_journal_to_verify(home: BotHome) -> None:
    done = home.recovery("verify")
    assert done.returncode == 2
    assert "there is no journal here" in done.stderr
