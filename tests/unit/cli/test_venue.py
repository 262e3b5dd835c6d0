"""`recovery venue`: bad input is refused before anything listens."""

from pathlib import Path

from tests.unit.cli.command import Command


def test_a_live_market_cannot_be_served(recovery: Command) -> None:
    sentence = recovery.refused("venue", "--venue", "live")
    assert sentence == "--venue = live: there is nothing to serve; run the bot with --venue live instead"


def test_a_pair_nobody_lists_is_named(recovery: Command) -> None:
    assert "FOO-USDT" in recovery.refused("venue", "--pairs", "BTC-USDT,FOO-USDT")


def test_a_missing_recording_is_named(recovery: Command) -> None:
    assert "no such file" in recovery.refused("venue", "--venue", "replay:absent_BTC-USDT_1m.csv")


def test_a_script_of_faults_that_cannot_be_is_refused_before_it_listens(recovery: Command, tmp_path: Path) -> None:
    assert "no such file" in recovery.refused("venue", "--faults", str(tmp_path / "absent.yml"))
    script = tmp_path / "faults.yml"
    script.write_text("faults:\n- {where: polygon, kind: server_shutdown}\n")
    assert "where = polygon: server_shutdown is a fault of binance" in recovery.refused(
        "venue", "--faults", str(script)
    )
