"""Why Postgres does not do what it was told, out of all that it says."""

DISK_FULL = "No space left on device"


def reason(*said: str) -> str:
    """The reason out of what Postgres said, as the end of a sentence, else the first line of what was said last."""
    if any(DISK_FULL in text for text in said):
        return f": {DISK_FULL}"
    lines = [line.strip() for text in said for line in text.splitlines()]
    for line in reversed(lines):
        for mark in ("PANIC: ", "FATAL: ", "error: ", "cannot create "):
            # Who asks during a start is told "FATAL: the database system is starting up", in the log too.
            if mark in line and "the database system is" not in line:
                return f": {line.partition(mark)[2].strip()}"
    first = said[-1].strip().splitlines()[:1]
    return f": {first[0]}" if first else ""
