"""Pictures go to the file or folder they were asked to, or the user is told why not."""

from pathlib import Path

import pytest

from tests.unit.cli.command import Command
from tests.unit.cli.simulated_trades import MARKET, traded
from tests.unit.cli.trade_samples import busy_run, started


@pytest.fixture
def journaled(recovery: Command) -> Command:
    recovery.write("one", busy_run())
    return recovery


def test_a_picture_of_one_trade(recovery: Command) -> None:
    recovery.write("one", [started(MARKET), *traded().events])
    for name, begins in (("trade.svg", b"<?xml"), ("trade.PNG", b"\x89PNG"), ("trade.html", b"<!DOCTYPE html>")):
        to = recovery.home / name
        done = recovery("trades", "--picture", "1", "--to", str(to))
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"{to}  ")
        assert to.read_bytes().startswith(begins)
    assert done.out == f"{to}  1 of 1 trades with candles\n"


def test_a_folder_is_made_and_has_a_file_for_each_trade(journaled: Command) -> None:
    to = journaled.home / "pictures"
    for _ in range(2):  # an older picture is replaced
        done = journaled("trades", "--picture", "all", "--to", str(to))
        assert done.code == 0
    names = ["trade_1_BTC-USDT.svg", "trade_2_ETH-USDT.svg", "trade_3_SOL-USDT.svg"]
    assert sorted(path.name for path in to.iterdir()) == names
    assert [line.split("  ")[0] for line in done.out.splitlines()] == [str(to / name) for name in names]


def test_a_folder_may_be_named_like_a_file(journaled: Command) -> None:
    to = journaled.home / "kept.svg"
    to.mkdir()
    assert journaled("trades", "--picture", "all", "--to", str(to)).code == 0
    assert len(list(to.iterdir())) == 3


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("all.svg", "holds one picture, and 3 trades were asked for; give a folder or .html"),
        ("all.pdf", "must end in .svg, .png or .html, or be a folder"),
        ("nowhere/all.html", "cannot be written: No such file or directory"),
        ("nowhere/pictures", "cannot be written: No such file or directory"),
    ],
)
def test_where_they_cannot_go_is_said(to: str, why: str, journaled: Command) -> None:
    place = journaled.home / to
    assert journaled.refused("trades", "--picture", "all", "--to", str(place)) == f"--to = {place}: {why}"
    assert not place.exists()


def test_a_recording_of_no_trade_is_refused_before_anything_is_written(journaled: Command, tmp_path: Path) -> None:
    file = tmp_path / "x_XRP-USDT_1m.csv"
    rows = "".join(f"{1_736_121_600 + 60 * number},1,1,1,1,1\n" for number in range(3))
    file.write_text("timestamp,open,high,low,close,volume\n" + rows)
    to = tmp_path / "out"
    told = journaled.refused("trades", "--picture", "all", "--to", str(to), "--candles", str(file))
    assert told == f"--candles = {file}: holds XRP-USDT; the trades are of BTC-USDT, ETH-USDT, SOL-USDT"
    assert not to.exists()
