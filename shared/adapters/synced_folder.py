"""A folder as the disk has it: a file that was renamed into it is there after a power cut too."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Let a renaming inside survive a power cut.

    Raises:
        OSError: The disk does not take it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
