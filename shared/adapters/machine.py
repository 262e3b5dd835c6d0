"""What this process uses, and what is left of a disk."""

import resource
from pathlib import Path

import psutil

from shared.domain.health_facts import ProcessUse, Space


class Machine:
    """Looks at this process and the disk of a folder.

    Args:
        folder: Somewhere on the disk to be looked at.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first answer is 0 whatever happened: later ones count from here

    def process(self) -> ProcessUse:
        """This process, its CPU since the last look."""
        with self._process.oneshot():
            limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            return ProcessUse(
                cpu=self._process.cpu_percent() / 100,
                rss_bytes=self._process.memory_info().rss,
                open_files=self._process.num_fds(),
                open_files_limit=limit,
            )

    def disk(self) -> Space:
        """The disk as this user may fill it."""
        usage = psutil.disk_usage(str(self._folder))
        return Space(usage.used, usage.used + usage.free)
