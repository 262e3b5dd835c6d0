"""Processes are known by id and birth: who has a dead one's id now is left alone."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from shared.cli.errors import UsageError
from shared.cli.processes import Processes, Started

SLEEP = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)",
]


def started(processes: Processes, folder: Path, command: list[str] = SLEEP, name: str = "bot") -> Started:
    """A process that has said that it is there."""
    log = folder / f"{name}.log"
    each = processes.start(name, command, {}, log)
    deadline = time.monotonic() + 30
    while b"here" not in log.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return each


def test_another_command_ends_what_the_file_names(tmp_path: Path) -> None:
    record = tmp_path / "up.json"
    child = started(Processes(record), tmp_path)
    others = Processes.of(record)
    assert others.running == [child]
    assert others.stop(child, within_s=10)
    assert not psutil.pid_exists(child.pid) or psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert not record.exists()


def test_who_has_the_id_of_a_dead_process_is_left_alone(tmp_path: Path) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        born_s = psutil.Process(bystander.pid).create_time()
        old = Started("bot", bystander.pid, born_s - 100, str(tmp_path / "bot.log"))
        record = tmp_path / "up.json"
        record.write_text(json.dumps([asdict(old)]))
        processes = Processes.of(record)
        assert processes.running == []
        assert processes.stop(old, within_s=1)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_one_that_does_not_end_in_good_order_is_killed(tmp_path: Path) -> None:
    processes = Processes(tmp_path / "up.json")
    child = started(processes, tmp_path, STUBBORN)
    assert not processes.stop(child, within_s=0.3)
    assert processes.exit_code(child) == -signal.SIGKILL


def test_how_a_child_ended_is_known(tmp_path: Path) -> None:
    processes = Processes(tmp_path / "up.json")
    child = processes.start("bot", [sys.executable, "-c", "raise SystemExit(3)"], {}, tmp_path / "bot.log")
    deadline = time.monotonic() + 30
    while processes.exit_code(child) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert processes.exit_code(child) == 3
    assert processes.running == []


def test_the_environment_reaches_the_process_and_its_output_the_log(tmp_path: Path) -> None:
    processes = Processes(tmp_path / "up.json")
    code = "import os; print(os.environ['WHERE'], 'here', flush=True)"
    log = tmp_path / "venue.log"
    processes.start("venue", [sys.executable, "-c", code], {"WHERE": "there"}, log)
    deadline = time.monotonic() + 30
    while log.read_bytes() != b"there here\n":
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("content", ["", "{}x", '[{"name": "bot"}]', '{"a": 1}', "[1]"])
def test_a_file_that_is_none_of_ours_is_told(tmp_path: Path, content: str) -> None:
    record = tmp_path / "up.json"
    record.write_text(content)
    with pytest.raises(UsageError, match=r"up\.json: cannot be read"):
        Processes.of(record)


def test_without_a_file_nothing_was_started(tmp_path: Path) -> None:
    assert Processes.of(tmp_path / "up.json").started == []


def test_births_that_differ_are_two_processes() -> None:
    me = psutil.Process()
    mine = Started("bot", me.pid, me.create_time(), "")
    assert mine.process() == me
    assert replace(mine, born_s=me.create_time() + 5).process() is None
