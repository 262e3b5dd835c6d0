"""Whose process a postmaster.pid speaks of: the server's, or one that only has the same pid now."""

from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Postmaster:
    """What its postmaster.pid says of a server."""

    pid: int
    socket_folder: Path

    def serves(self, cluster: Path) -> bool:
        """Whether it lives and serves this data folder."""
        # A server's working folder is its data folder; that tells it from a process that only has the same pid.
        try:
            return Path(psutil.Process(self.pid).cwd()) == cluster.resolve()
        except psutil.Error:
            return False
