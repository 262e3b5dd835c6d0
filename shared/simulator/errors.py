"""What can be wrong with a simulated market; each message is one sentence: the thing, the value, what is allowed.

SimulatorError
├── UnknownPair       a pair or symbol that the venue does not list
├── RecordingError    a file, a row or a START that cannot be replayed
└── VenueError        the venue cannot run: port in use, clock outside its data
"""


class SimulatorError(Exception):
    """Base of everything this package raises on purpose."""


class UnknownPair(SimulatorError):
    """A pair that is not in the instrument tables, or not in this market set."""


class RecordingError(SimulatorError):
    """A recording or its replay specification cannot be used."""


class VenueError(SimulatorError):
    """The venue or its server cannot start or run."""
