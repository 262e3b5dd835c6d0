"""`recovery run`: venue and bot together, until enough trades have closed; then the proof."""

import asyncio
import json
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.bot import home as homes
from shared.cli.errors import MISMATCH, OK, TIMED_OUT, UsageError
from shared.cli.market import VENUE_HELP, MarketChoice, parse_market, parse_speed
from shared.simulator.egress import EgressGuard
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, virtual_time

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
    until_trades: Annotated[int, typer.Option(min=1, help="Stop once this many trades have closed.")] = 10,
    timeout_s: Annotated[
        float | None, typer.Option(min=1, help="Give up after this many real seconds (exit code 3).")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated market.")] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the report to this JSON file.")] = None,
    home: Annotated[Path | None, typer.Option(help="Home of the bot; default: RECOVERY_HOME or ./home.")] = None,
) -> None:
    """Run a script on a local or live market, on paper, and verify every trade.

    Exit codes: 0 done and verified, 1 a mismatch, 2 bad input, 3 timed out before --until-trades.
    """
    market = parse_market(venue, seed)
    market_speed = parse_speed(speed, live=market.is_live)
    if timeout_s is None and not market.is_live:
        timeout_s = _SIMULATED_TIMEOUT_S
    if report is not None:
        report = report.absolute()
        if not report.parent.is_dir():
            raise UsageError(f"--report = {report}: the folder {report.parent} does not exist")
    bot_home = homes.prepare(home or homes.default_home())
    with ExitStack() as held:
        held.enter_context(homes.lock(bot_home))
        homes.enter(bot_home)
        from shared.cli.supervision import Supervisor

        config_name, config = _load_config(bot_home, script, conf, market, perpetual=perpetual)
        supervisor = Supervisor(market, config_name, until_trades, timeout_s)
        if market.is_live:
            asyncio.run(_run_live(supervisor, script, config))
        else:
            _run_simulated(supervisor, script, config, market_speed)
        outcome = supervisor.report()
        if report is not None:
            report.write_text(json.dumps(outcome.as_json(), indent=2) + "\n")
        supervisor.print_summary(outcome)
    if not outcome.verification.ok:
        raise typer.Exit(MISMATCH)
    raise typer.Exit(TIMED_OUT if supervisor.timed_out else OK)


def _load_config(
    bot_home: Path, script: str, conf: str | None, market: MarketChoice, *, perpetual: bool
) -> "tuple[str, RecoveryScriptConfig]":
    """The script's configuration with the command line's changes, checked before anything is started."""
    from shared.bot.launcher import require_startable
    from shared.bot.script_config import load_script_config
    from shared.bot.script_file import default_config_of
    from shared.paper.injection import base_name
    from shared.simulator.instruments import instrument_for

    config_name = conf or default_config_of(bot_home / "scripts" / script)
    config = load_script_config(bot_home / "conf" / "scripts" / config_name)
    if config.script_file_name != script:
        raise UsageError(f"--conf = {config_name}: is for {config.script_file_name}, not for {script}")
    changes: dict[str, Any] = {}
    if market.pairs is not None:
        changes["pairs"] = market.pairs
    if perpetual:
        changes["connector_name"] = "binance_perpetual_paper_trade"
    config = config.model_copy(update=changes)
    require_startable(config)
    if not market.is_live:
        for controller in config.load_controller_configs():
            if base_name(controller.connector_name) not in ("binance", "binance_perpetual"):
                raise UsageError(
                    f"{controller.id}: connector_name = {controller.connector_name}: the local venue speaks "
                    "binance_paper_trade and binance_perpetual_paper_trade; use --venue live for others"
                )
            instrument_for(controller.trading_pair, controller.is_perpetual)
    return config_name, config


async def _run_live(supervisor: "Supervisor", script: str, config: "RecoveryScriptConfig") -> None:
    _stop_on_signals(supervisor)
    await supervisor.trade(script, config, simulated=False)


def _run_simulated(supervisor: "Supervisor", script: str, config: "RecoveryScriptConfig", speed: float | None) -> None:
    market = supervisor.market
    egress = supervisor.egress
    clock = VirtualClock(market.start_s, speed)
    venue = market.venue(config.pairs, clock.start_s, clock.time)
    loop = VirtualEventLoop(clock, egress)
    asyncio.set_event_loop(loop)
    with virtual_time(clock):
        try:
            loop.run_until_complete(_trade_on(venue, egress, supervisor, script, config))
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


async def _trade_on(
    venue: Any, egress: EgressGuard, supervisor: "Supervisor", script: str, config: "RecoveryScriptConfig"
) -> None:
    from shared.bot.redirect import redirected
    from shared.simulator.server import VenueServer

    _stop_on_signals(supervisor)
    server = VenueServer(venue)
    await server.start()
    supervisor.market_ended = venue.exhausted
    try:
        with redirected(server.base_url, egress):
            await supervisor.trade(script, config, simulated=True)
    finally:
        await server.stop()


def _stop_on_signals(supervisor: "Supervisor") -> None:
    """The first Ctrl-C or SIGTERM stops in good order; a second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        supervisor.request_stop(number.name)
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
