"""What this process uses, and its disk."""

import os
from pathlib import Path

from shared.adapters.machine import Machine


def test_this_process(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    before = machine.process()
    with (tmp_path / "file").open("w"):
        during = machine.process()
    assert during.open_files == before.open_files + 1
    assert during.open_files_limit >= during.open_files
    assert during.rss_bytes > 10**6
    assert before.cpu >= 0


def test_the_disk_of_a_folder(tmp_path: Path) -> None:
    disk = Machine(tmp_path).disk()
    status = os.statvfs(tmp_path)
    assert 0 <= disk.used <= 1
    assert disk.limit_bytes <= status.f_blocks * status.f_frsize
