"""`recovery run`: bad input is refused before anything is made or started."""

import pytest

from tests.unit.cli.command import Command


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--until-trades", "-1"], "--until-trades = -1: must be at least 0"),
        (["--timeout-s", "0.5"], "--timeout-s = 0.5: must be at least 1"),
        (["--seed", "-1"], "--seed = -1: must be at least 0"),
        (["--speed", "0"], "--speed = 0: must be above 0 and at most 1000, or max"),
        (["--venue", "live", "--speed", "9"], "--speed = 9: a live market runs at speed 1"),
    ],
)
def test_each_wrong_option_is_one_sentence(arguments: list[str], sentence: str, recovery: Command) -> None:
    assert recovery.refused("run", *arguments) == sentence
    assert list(recovery.home.iterdir()) == []


def test_a_report_nobody_could_write_is_refused_before_the_run(recovery: Command) -> None:
    path = recovery.home / "absent" / "report.json"
    sentence = recovery.refused("run", "--report", str(path))
    assert sentence == f"--report = {path}: the folder {path.parent} does not exist"
    assert list(recovery.home.iterdir()) == []
