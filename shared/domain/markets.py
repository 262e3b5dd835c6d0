"""Which market a run traded a pair on, named so that the same recorded candles have one name however they were replayed.

A run's market is as the command line had it: `live`, `simulated, seed 7`, or
`replay:FOLDER/FILE@START,FILE@START, seed 1`. Where all recordings start at one moment they play at their own time, so a
pair's candles are its file's, whatever the START, the seed (of what happens within candles), the folder, or the files beside
it. Recordings of different dates are shifted to one clock: they are the same only when all of it is.
"""

import re

REPLAY = "replay:"
# Regular expressions that Postgres and Python read alike.
FOLDERS = "[^,:]*/"
START = "@([0-9T:-]+)"


def file_of(pair: str) -> str:
    """The regular expression of the recording of a pair, in a replay's name."""
    return f"[^,:/]*{pair}[^,@]*"


def market_of(market: str, pair: str) -> str:
    """The market a pair was traded on.

    Args:
        market: Of the run.
        pair: The trading pair.

    Returns:
        The recording's file, or the run's market without folders.
    """
    if market.startswith(REPLAY) and len(set(re.findall(START, market))) == 1:
        file = re.search(file_of(re.escape(pair)), market)
        if file is not None:
            return file.group()
    return re.sub(FOLDERS, "", market)
