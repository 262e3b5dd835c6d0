"""The `--venue` option: a simulated market, a replay of recordings, or the real exchange's public data."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.bot.home import VENUE_URL
from shared.cli.errors import UsageError
from shared.domain.markets import moved
from shared.simulator import scenario
from shared.simulator.errors import RecordingError
from shared.simulator.recording import DEFAULT_WARMUP_S as RECORDED_WARMUP_S
from shared.simulator.recording import RecordingSpec, load_recording, parse_replay_spec
from shared.simulator.synthetic import DEFAULT_WARMUP_S as SIMULATED_WARMUP_S
from shared.simulator.venue import Venue

VENUE_HELP = (
    "simulated, replay:FILE@START,FILE@START,... (@START optional), or live (real public data, orders on paper)"
)


@dataclass(frozen=True)
class MarketChoice:
    """What `--venue` and `--seed` name.

    Attributes:
        name: As given.
        seed: Of the simulated market, and of what happens inside a recording's candles.
        recordings: Of a replay; empty otherwise.
        history_s: Seconds of candles there are to be before the start, for indicators to be computed from.
    """

    name: str
    seed: int
    recordings: tuple[RecordingSpec, ...]
    history_s: int = RECORDED_WARMUP_S

    @property
    def is_live(self) -> bool:
        return self.name == "live"

    @property
    def description(self) -> str:
        """What the journal calls it: the same wherever the command was given."""
        if self.is_live:
            return self.name
        if not self.recordings:
            return f"{self.name}, seed {self.seed}"
        recordings = [load_recording(spec, self.history_s) for spec in self.recordings]
        begun = [replace(spec, start_ms=each.start_ms) for spec, each in zip(self.recordings, recordings, strict=True)]
        files = ",".join(str(spec.path.with_name(_file(spec))) for spec in begun)
        shifts_ms = {each.pair: recordings[0].start_ms - each.start_ms for each in recordings}
        # The history too: what happens within the candles is drawn from where they begin.
        return f"replay:{files}, seed {self.seed}, history {self.history_s} s{moved(shifts_ms)}"

    @property
    def title(self) -> str:
        """What people are shown: a line, or one more for each recording."""
        if self.is_live:
            return self.name
        kind = "replay" if self.recordings else self.name
        return "\n".join([f"{kind}, seed {self.seed}", *map(_file, self.recordings)])

    def with_history(self, history_s: int) -> "MarketChoice":
        """The same market with at least so much history.

        Raises:
            UsageError: The simulated market has less.
            RecordingError: A recording has less before its START.
        """
        if not self.recordings and not self.is_live and history_s > SIMULATED_WARMUP_S:
            raise UsageError(
                f"--venue = {self.name}: has {SIMULATED_WARMUP_S / 3600:g} h of history, the configuration needs "
                f"{history_s / 3600:g} h"
            )
        longer = replace(self, history_s=max(history_s, self.history_s))
        for spec in self.recordings:
            load_recording(spec, longer.history_s)
        return longer

    def opened(self) -> "MarketChoice":
        """The same market with each recording's START where it now is: more history is then refused, where it would move it."""
        starts = [load_recording(spec, self.history_s).start_ms for spec in self.recordings]
        opened = (replace(spec, start_ms=start_ms) for spec, start_ms in zip(self.recordings, starts, strict=True))
        return replace(self, recordings=tuple(opened))

    @property
    def pairs(self) -> list[str] | None:
        """The pairs of the recordings; None where any pair can be had."""
        if not self.recordings:
            return None
        return [load_recording(spec).pair for spec in self.recordings]

    @property
    def start_s(self) -> float:
        """Where the market's clock starts, UTC epoch seconds."""
        if self.recordings:
            return load_recording(self.recordings[0], self.history_s).start_ms / 1000
        return scenario.DEFAULT_START_MS / 1000

    def venue(self, pairs: Sequence[str], start_s: float, clock: Callable[[], float]) -> Venue:
        """Make the local venue.

        Raises:
            SimulatorError: A pair or recording cannot be had.
        """
        if self.recordings:
            return scenario.replay(self.recordings, pairs, self.seed, self.history_s, clock=clock)
        return scenario.simulated(pairs, self.seed, start_ms=int(start_s * 1000), clock=clock)


def _file(spec: RecordingSpec) -> str:
    """A recording's file without its folder, with its START if one was given."""
    if spec.start_ms is None:
        return spec.path.name
    return f"{spec.path.name}@{datetime.fromtimestamp(spec.start_ms / 1000, UTC):%Y-%m-%dT%H:%M}"


def parse_market(name: str, seed: int) -> MarketChoice:
    """Read `--venue`.

    Raises:
        UsageError: It is none of the three, or live while the environment names a local venue.
        RecordingError: A recording's file or START is wrong.
    """
    if name.startswith("replay:"):
        # A bot works in its home, and the journal names a file the same way however it was reached. Looked for now, before
        # anything is started.
        specs = [replace(spec, path=spec.path.resolve()) for spec in parse_replay_spec(name)]
        for spec in specs:
            if not spec.path.is_file():
                raise RecordingError(f"--venue = replay:{spec.path}: no such file; give the path of a recording")
        return MarketChoice(name, seed, tuple(specs))
    if name not in ("simulated", "live"):
        raise UsageError(f"--venue = {name}: must be {VENUE_HELP}")
    if name == "live" and os.environ.get(VENUE_URL):
        raise UsageError(f"--venue = live: {VENUE_URL} is set, which sends the bot to a local venue instead; unset it")
    return MarketChoice(name, seed, ())


def parse_speed(text: str | None, *, live: bool) -> float | None:
    """Read `--speed`: virtual seconds per real second, or None for as fast as the CPU allows.

    Raises:
        UsageError: It is not a number above 0 or "max", or a live market was to be hurried.
    """
    if text is None:
        return 1.0 if live else None
    if text == "max":
        speed = None
    else:
        try:
            speed = float(text)
        except ValueError:
            raise UsageError(f"--speed = {text}: must be a number above 0, or max") from None
        if not 0 < speed <= 1000:
            raise UsageError(f"--speed = {text}: must be above 0 and at most 1000, or max")
    if live and speed != 1.0:
        raise UsageError(f"--speed = {text}: a live market runs at speed 1")
    return speed
