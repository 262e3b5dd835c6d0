"""`recovery up` and `recovery down`: venue, sidecar and bot together, and their end."""

import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from shared.adapters.feed_address import SERVER_FILE
from shared.bot import home as homes
from shared.cli.db import HomeOption, home_of
from shared.cli.errors import MISMATCH, UsageError
from shared.cli.market import VENUE_HELP, MarketChoice, parse_market, parse_speed
from shared.cli.processes import Processes, Started
from shared.cli.script import load_config
from shared.sidecar import config as sidecar_config
from shared.simulator.virtual_time import SHARED_CLOCK, VirtualClock

RECORD = Path("data") / "up.json"
_SPEED = 10.0
_READY_WITHIN_S = 120.0
# In the order they are stopped in. The bot closes its positions first, and needs the others for it.
_STOP_WITHIN_S = {"bot": 120.0, "sidecar": 30.0, "venue": 10.0}
_LOOK_EVERY_S = 0.2
_VENUE_AT = re.compile(rb"venue at (http://\S+)")


def up(
    script: Annotated[str, typer.Option(help="File of hummingbot_scripts/ to run.")] = "recovery_dca.py",
    conf: Annotated[str | None, typer.Option(help="File of conf/scripts/; default: the script's own.")] = None,
    venue: Annotated[str, typer.Option(help=VENUE_HELP)] = "simulated",
    speed: Annotated[
        str | None, typer.Option(help="Market seconds per real second. Default: 10; 1 with --venue live.")
    ] = None,
    until_trades: Annotated[
        int, typer.Option(min=0, help="Stop once this many trades have closed; 0: when told to.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated market.")] = 1,
    faults: Annotated[
        Path | None, typer.Option(help="What goes wrong with the venue's sources, and when: a YAML file.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Leave them running; recovery down ends them.")] = False,
    home: HomeOption = None,
) -> None:
    """Start the venue (unless live), the sidecar and the bot together; Ctrl-C stops them in good order.

    What each prints is shown with its name, and kept in the home's logs/up_NAME.log. With a simulated venue all of them go by
    one clock. Exit codes: the bot's, as of recovery run; 1 if the sidecar or the venue ended before it; 2 bad input.
    """
    market = parse_market(venue, seed)
    market_speed = parse_speed(speed, live=market.is_live) if speed is not None or market.is_live else _SPEED
    if market_speed is None:
        raise UsageError("--speed = max: is for one process; give a number, e.g. --speed 10")
    if market.is_live and faults is not None:
        raise UsageError("--faults: is for a local venue")
    bot_home = homes.prepare(home or homes.default_home())
    processes = Processes.of(bot_home / RECORD)
    if processes.running:
        names = ", ".join(f"{each.name} {each.pid}" for each in processes.running)
        raise UsageError(f"{bot_home}: is up already ({names}); recovery down ends it")
    processes.started = []
    sidecar_config.load_config(sidecar_config.find_config(bot_home))
    with homes.lock(bot_home):
        homes.enter(bot_home)
        _, config = load_config(bot_home, script, conf, market)
        pairs, history_s = config.markets_needed()
        market = market.with_history(history_s)
    fleet = _Fleet(bot_home, processes)
    with _stopping_on_signals(fleet):
        clock = None if market.is_live else VirtualClock(market.start_s, market_speed)
        if clock is not None:
            fleet.start_venue(market, pairs, history_s, clock, faults)
        fleet.start_sidecar()
        fleet.start_bot(script, conf, market, until_trades)
        if detach:
            typer.echo(f"{bot_home}: up; recovery down --home {bot_home} ends it")
            return
        code = fleet.watch()
    raise typer.Exit(code)


def down(home: HomeOption = None) -> None:
    """End what recovery up started in a home, and nothing else: the bot first, in good order."""
    bot_home = home_of(home)
    processes = Processes.of(bot_home / RECORD)
    if not processes.running:
        typer.echo(f"{bot_home}: nothing is up")
    if not _stop_all(processes):
        raise typer.Exit(MISMATCH)


def _stop_all(processes: Processes) -> bool:
    """End them in their order; whether all of them ended in good order."""
    in_order = sorted(processes.started, key=lambda each: list(_STOP_WITHIN_S).index(each.name))
    is_good = True
    for each in in_order:
        was_running = each.process() is not None
        ended = processes.stop(each, _STOP_WITHIN_S[each.name])
        is_good &= ended
        if was_running:
            typer.echo(f"{each.name}: stopped" if ended else f"{each.name}: did not end in time and was killed")
    return is_good


class _Fleet:
    """The processes of one `up`, in the foreground."""

    def __init__(self, home: Path, processes: Processes) -> None:
        self.stop_asked = False
        self._home = home
        self._processes = processes
        self._environment: dict[str, str] = {}
        self._started: list[Started] = []
        self._shown: dict[str, int] = {}

    def start_venue(
        self, market: MarketChoice, pairs: list[str], history_s: int, clock: VirtualClock, faults: Path | None
    ) -> None:
        """Start it and wait until it listens; the others are told where."""
        self._environment[SHARED_CLOCK] = clock.shared
        command = [
            "venue",
            "--venue",
            market.name,
            "--seed",
            str(market.seed),
            "--pairs",
            ",".join(pairs),
            "--port",
            "0",
        ]
        command += ["--history-s", str(history_s), *([] if faults is None else ["--faults", str(faults.absolute())])]
        started = self._start("venue", command)
        found = self._until(started, lambda: _VENUE_AT.search(Path(started.log).read_bytes()))
        self._environment[homes.VENUE_URL] = found[1].decode()

    def start_sidecar(self) -> None:
        """Start it and wait until it serves."""
        address = self._home / SERVER_FILE
        address.unlink(missing_ok=True)  # of one that was killed
        started = self._start("sidecar", ["sidecar", "--home", str(self._home)])
        self._until(started, address.exists)

    def start_bot(self, script: str, conf: str | None, market: MarketChoice, until_trades: int) -> None:
        """Start it."""
        command = ["run", "--script", script, "--venue", market.name, "--seed", str(market.seed)]
        command += ["--home", str(self._home), "--until-trades", str(until_trades)]
        self._start("bot", [*command, *([] if conf is None else ["--conf", conf])])

    def watch(self) -> int:
        """Show what they print until the bot has ended or a stop is asked for, and stop the rest; the exit code."""
        bot, *others = reversed(self._started)
        ended: Started | None = None
        while not self.stop_asked and ended is None:
            time.sleep(_LOOK_EVERY_S)
            self._show()
            ended = next((each for each in (bot, *others) if self._processes.exit_code(each) is not None), None)
        if ended is not None and ended is not bot:
            typer.echo(f"{ended.name} ended by itself ({self._processes.exit_code(ended)}): stopping all", err=True)
        is_good = _stop_all(self._processes)
        self._show()
        code = self._processes.exit_code(bot)
        if not is_good or (ended is not None and ended is not bot) or code is None or code < 0:
            return MISMATCH
        return code

    def _start(self, name: str, arguments: list[str]) -> Started:
        log = self._home / "logs" / f"up_{name}.log"
        command = [sys.executable, "-u", "-c", "from shared.cli.main import main; main()", *arguments]
        started = self._processes.start(name, command, self._environment, log)
        self._started.append(started)
        return started

    def _until[T](self, started: Started, found: Callable[[], T | None]) -> T:
        """Wait for something of a process.

        Raises:
            UsageError: It ended before, or took too long; all are stopped.
        """
        until_s = time.monotonic() + _READY_WITHIN_S
        while not (what := found()):
            code = self._processes.exit_code(started)
            if code is not None or time.monotonic() > until_s or self.stop_asked:
                self._show()
                _stop_all(self._processes)
                how = "was not waited for" if self.stop_asked else "was not ready in time" if code is None else "ended"
                raise UsageError(f"{started.name}: {how}; see {started.log}")
            time.sleep(_LOOK_EVERY_S)
        return what

    def _show(self) -> None:
        """Print what came since the last time, whole lines only."""
        for started in self._started:
            with Path(started.log).open("rb") as output:
                output.seek(self._shown.get(started.name, 0))
                *lines, _ = output.read().split(b"\n")
            self._shown[started.name] = self._shown.get(started.name, 0) + sum(len(line) + 1 for line in lines)
            for line in lines:
                typer.echo(f"{started.name:>7} | {line.decode(errors='replace')}")


@contextmanager
def _stopping_on_signals(fleet: _Fleet) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask for a stop in good order."""

    def ask(_: int, __: FrameType | None) -> None:
        fleet.stop_asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
