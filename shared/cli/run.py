"""`recovery run`: venue and bot together, until enough trades have closed; then the proof."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.bot import home as homes
from shared.cli.errors import MISMATCH, OK, TIMED_OUT, UsageError
from shared.cli.local_venue import run_beside_venue, run_on_venue
from shared.cli.market import VENUE_HELP, parse_market, parse_speed
from shared.cli.script import load_config
from shared.cli.shared_clock import shared_clock
from shared.cli.storing import print_storing, store_run
from shared.simulator.venue import Venue
from shared.simulator.virtual_time import SHARED_CLOCK, VirtualClock

if TYPE_CHECKING:
    from shared.bot.script_config import RecoveryScriptConfig
    from shared.cli.supervision import Supervisor

_SIMULATED_TIMEOUT_S = 900.0


def run(
    script: Annotated[str, typer.Option(help="File of hummingbot_scripts/ to run.")] = "recovery_dca.py",
    conf: Annotated[str | None, typer.Option(help="File of conf/scripts/; default: the script's own.")] = None,
    venue: Annotated[str, typer.Option(help=VENUE_HELP)] = "simulated",
    perpetual: Annotated[bool, typer.Option("--perpetual", help="Trade USD-M perpetuals instead of spot.")] = False,
    speed: Annotated[
        str | None, typer.Option(help="Market seconds per real second, or max. Default: max; 1 with --venue live.")
    ] = None,
    until_trades: Annotated[int, typer.Option(help="Stop once this many trades have closed; 0: when told to.")] = 10,
    timeout_s: Annotated[float | None, typer.Option(help="Give up after this many real seconds (exit code 3).")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated market.")] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the report to this JSON file.")] = None,
    home: Annotated[Path | None, typer.Option(help="Home of the bot; default: RECOVERY_HOME or home/RELEASE.")] = None,
    store: Annotated[
        bool, typer.Option("--store/--no-store", help="Ship the journal to the database at the end.")
    ] = True,
) -> None:
    """Run a script on a local or live market, on paper, verify every trade, and store what happened.

    Exit codes: 0 done, verified and stored, 1 a mismatch, 2 bad input, 3 timed out before --until-trades.
    """
    for option, value, least in (
        ("--until-trades", until_trades, 0),
        ("--timeout-s", timeout_s, 1),
        ("--seed", seed, 0),
    ):
        if value is not None and value < least:
            raise UsageError(f"{option} = {value}: must be at least {least}")
    market = parse_market(venue, seed)
    market_speed = parse_speed(speed, live=market.is_live)
    if timeout_s is None and not market.is_live and until_trades:
        timeout_s = _SIMULATED_TIMEOUT_S
    if report is not None:
        report = report.absolute()
        if not report.parent.is_dir():
            raise UsageError(f"--report = {report}: the folder {report.parent} does not exist")
    bot_home = homes.prepare(home or homes.default_home())
    with homes.lock(bot_home):
        homes.enter(bot_home)
        from shared.cli.supervision import Supervisor

        config_name, config = load_config(bot_home, script, conf, market, perpetual=perpetual)
        pairs, history_s = config.markets_needed()
        market = market.with_history(history_s)
        if not config.crash_guard:
            typer.echo("Crash guard off: its pair is not in this market, or the configuration says so.", err=True)
        supervisor = Supervisor(market, config_name, until_trades, timeout_s)
        if market.is_live:
            asyncio.run(_run_live(supervisor, script, config))
        elif (clock := shared_clock()) is not None:
            _run_on_venue(supervisor, script, config, clock)
        else:
            _run_simulated(supervisor, script, config, pairs, market_speed)
        outcome = supervisor.report()
        if report is not None:
            report.write_text(json.dumps(outcome.as_json(), indent=2) + "\n")
        supervisor.print_summary(outcome)
        stored = True
        if store:
            storing = store_run(bot_home, supervisor.run_id, outcome.record)
            print_storing(supervisor.console, storing)
            stored = storing.ok
    if not (outcome.verification.ok and stored):
        raise typer.Exit(MISMATCH)
    raise typer.Exit(TIMED_OUT if supervisor.timed_out else OK)


async def _run_live(supervisor: "Supervisor", script: str, config: "RecoveryScriptConfig") -> None:
    _stop_on_signals(supervisor)
    await supervisor.trade(script, config, simulated=False)


def _run_simulated(
    supervisor: "Supervisor", script: str, config: "RecoveryScriptConfig", pairs: list[str], speed: float | None
) -> None:
    async def trade(venue: Venue) -> None:
        _stop_on_signals(supervisor)
        supervisor.market_ended = venue.exhausted
        await supervisor.trade(script, config, simulated=True)

    run_beside_venue(supervisor.market, pairs, speed, supervisor.egress, trade)


def _run_on_venue(supervisor: "Supervisor", script: str, config: "RecoveryScriptConfig", clock: VirtualClock) -> None:
    venue_url = os.environ.get(homes.VENUE_URL)
    if venue_url is None:
        raise UsageError(f"{SHARED_CLOCK}: is that of a venue, and {homes.VENUE_URL} is not set; unset it")

    async def trade() -> None:
        _stop_on_signals(supervisor)
        await supervisor.trade(script, config, simulated=True)

    run_on_venue(venue_url, clock, supervisor.egress, trade)


def _stop_on_signals(supervisor: "Supervisor") -> None:
    """The first Ctrl-C or SIGTERM stops in good order; a second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        supervisor.request_stop(number.name)
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
