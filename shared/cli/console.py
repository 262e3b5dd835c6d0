"""`recovery console`: Hummingbot's own console, on a local market or on live data."""

import asyncio
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.bot import home as homes
from shared.cli.errors import OK, UsageError, one_line, user_errors
from shared.cli.local_venue import run_beside_venue
from shared.cli.market import VENUE_HELP, MarketChoice, parse_market, parse_speed
from shared.cli.script import load_config
from shared.cli.verify import JOURNAL
from shared.simulator.egress import EgressGuard
from shared.simulator.errors import RecordingError
from shared.simulator.instruments import SPOT
from shared.simulator.venue import Venue

if TYPE_CHECKING:
    from shared.bot.console import ConfigFor
    from shared.bot.script_config import RecoveryScriptConfig

_SPEED = 20.0  # the seeded market's first entry comes in its minutes 4 to 7: after some 20 seconds
_FALLBACK_PAIRS = ("BTC-USDT", "ETH-USDT")


def console(
    venue: Annotated[str, typer.Option(help=VENUE_HELP)] = "simulated",
    speed: Annotated[
        str | None, typer.Option(help="Market seconds per real second. Default: 20; 1 with --venue live.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated market.")] = 1,
    home: Annotated[Path | None, typer.Option(help="Home of the bot; default: RECOVERY_HOME or home/RELEASE.")] = None,
) -> None:
    """Open the Hummingbot console; scripts started there trade on paper.

    A simulated market lists the pairs of all files of conf/scripts; on a replay a script trades the recordings' pairs
    whatever its file names. Leave with `exit`: a running script is stopped first.

    Exit codes: 0 left in good order, 2 bad input.
    """
    market = parse_market(venue, seed)
    market_speed = _parse_speed(speed, live=market.is_live)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the console needs a terminal; `recovery run` trades without one")
    bot_home = homes.prepare(home or homes.default_home())
    with ExitStack() as held:
        held.enter_context(homes.lock(bot_home))
        homes.enter(bot_home)
        refused = _open(bot_home, market, market_speed)
    if refused:
        typer.echo("Refused hosts: " + ", ".join(f"{count} {host}" for host, count in sorted(refused.items())))
    raise typer.Exit(OK)


def _parse_speed(text: str | None, *, live: bool) -> float:
    speed = parse_speed(text, live=live)
    if speed is not None:
        return speed
    if text is not None:
        raise UsageError("--speed = max: a screen needs time to be read; give a number, e.g. --speed 20")
    return _SPEED


def _open(bot_home: Path, market: MarketChoice, speed: float) -> dict[str, int]:
    """Open the console and wait until it is left.

    Returns:
        The hosts that a simulated market refused, with the number of attempts.
    """
    from shared.bot import console as bot_console
    from shared.bot import launcher, session

    egress = EgressGuard()
    session.trade_on(market.description)
    client_config = launcher.configure(simulated=not market.is_live)
    if not bot_console.log_in(client_config):
        return {}
    if market.is_live:
        greeting = "Market: live public data. Orders stay on paper.\n"
        config_for = _config_for(bot_home, market, None)
        asyncio.run(bot_console.open_console(client_config, config_for, greeting, None, simulated=False))
        return {}

    homes.set_databases_aside(bot_home, keep=JOURNAL)
    wanted, history_s = _needs_of_scripts(bot_home)
    pairs = market.pairs or wanted
    with suppress(RecordingError):  # told to whoever starts a script that needs so much
        market = market.with_history(history_s)
    greeting = f"Market: {market.name}, seed {market.seed}, {speed:g} times real time\nPairs: {', '.join(pairs)}\n"
    config_for = _config_for(bot_home, market.opened(), pairs)

    async def work(local: Venue) -> None:
        await bot_console.open_console(client_config, config_for, greeting, local.exhausted, simulated=True)

    run_beside_venue(market, pairs, speed, egress, work)
    return dict(egress.refused)


def _needs_of_scripts(bot_home: Path) -> tuple[list[str], int]:
    """What any of the home's scripts may need of a market; what it cannot have is refused when the script is started.

    Returns:
        Pairs, as far as the local venue can list them, and seconds of history.
    """
    from shared.bot.script_config import load_script_config
    from shared.wire.config_errors import ConfigError

    pairs: list[str] = []
    history_s = 0
    for path in sorted((bot_home / "conf" / "scripts").glob("*.yml")):
        try:
            needed, needed_s = load_script_config(path).markets_needed()
        except ConfigError:
            continue  # told to whoever starts it
        pairs += needed
        history_s = max(history_s, needed_s)
    return [pair for pair in dict.fromkeys(pairs) if pair in SPOT] or list(_FALLBACK_PAIRS), history_s


def _config_for(bot_home: Path, market: MarketChoice, listed: list[str] | None) -> "ConfigFor":
    """The console's view of `load_config`: every error a trader can mend is a refusal to start."""
    from shared.bot.launcher import StartError
    from shared.bot.script_file import config_name_of
    from shared.wire.config_errors import ConfigError

    def config_for(script: str, conf: str | None) -> "tuple[str, RecoveryScriptConfig] | None":
        try:
            config_name_of(bot_home / "scripts" / script)
        except ConfigError:
            return None  # another's script, or none at all: Hummingbot's to say
        try:
            name, config = load_config(bot_home, script, conf, market)
            pairs, history_s = config.markets_needed()
            market.with_history(history_s)
        except user_errors() as error:
            raise StartError(one_line(error)) from error
        unlisted = [pair for pair in pairs if listed is not None and pair not in listed]
        if unlisted:
            raise StartError(
                f"{name}: pairs = {', '.join(unlisted)}: not listed by this market; open the console again to have it so"
            )
        return name, config

    return config_for
