"""`recovery trades`: the trades of a home as a list, and each of them as a picture."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shared.cli.errors import UsageError
from shared.cli.runs import AllOption, HomeOption, Run, RunOption, heading, read_runs
from shared.cli.trade_candles import CandleSource
from shared.cli.trade_list import as_json_view, print_trades, totals_as_json
from shared.domain.trades import Trade, trades_of

_EVERY = "all"


def trades(
    run: RunOption = None,
    every: AllOption = False,
    strategy: Annotated[str | None, typer.Option(help="Only trades of this strategy, e.g. recovery_dca.")] = None,
    pair: Annotated[str | None, typer.Option(help="Only trades of this pair, e.g. BTC-USDT.")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Only the newest so many.")] = None,
    picture: Annotated[
        str | None, typer.Option(help="Draw this trade: its number, signal id or executor id; or all of the list.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Where to: a file ending in .svg, .png or .html, or a folder for SVG files.")
    ] = None,
    candles: Annotated[
        list[Path] | None, typer.Option(help="Recording to draw the candles of; default: the market of the run.")
    ] = None,
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List trades with entry, exit, PnL after fees and signal, or draw them with candles, levels, fills and barriers."""
    if (picture is None) is not (to is None):
        raise UsageError("--picture and --to: go together, what to draw and where to")
    if candles and picture is None:
        raise UsageError(f"--candles = {candles[0]}: is for --picture")
    runs = read_runs(home, run, every)
    listed = chosen(runs, strategy, pair, last)
    if picture is not None and to is not None:
        _draw(runs, picked(listed, picture), to, CandleSource(candles or ()))
    elif as_json:
        view = {"trades": [as_json_view(trade) for trade in listed], "total": totals_as_json(listed)}
        typer.echo(json.dumps(view, indent=2))
    else:
        console = Console()
        console.print(heading(runs), highlight=False, markup=False)
        console.print()
        print_trades(console, listed)


def chosen(runs: Sequence[Run], strategy: str | None, pair: str | None, last: int | None) -> list[Trade]:
    """The trades asked for; each keeps its number in the whole list.

    Raises:
        UsageError: There is none of that strategy or pair, though there are others.
    """
    found = trades_of((run.run_id, run.record) for run in runs)
    for option, wanted, named in (
        ("--strategy", strategy, {trade.strategy for trade in found}),
        ("--pair", pair, {trade.executor.opened.pair for trade in found}),
    ):
        if found and wanted is not None and wanted not in named:
            raise UsageError(f"{option} = {wanted}: has no trade; there are those of {', '.join(sorted(named))}")
    matching = [
        trade for trade in found if strategy in (None, trade.strategy) and pair in (None, trade.executor.opened.pair)
    ]
    return matching[-last:] if last else matching


def picked(listed: Sequence[Trade], name: str) -> list[Trade]:
    """The trades a picture is asked of.

    Args:
        listed: Those to choose from.
        name: A number of the list, a signal's id, an executor's id or how it begins, or "all".

    Raises:
        UsageError: There is none, or more than one.
    """
    if not listed:
        raise UsageError(f"--picture = {name}: there is no trade to draw")
    if name == _EVERY:
        return list(listed)
    found = [trade for trade in listed if name == str(trade.number)] or [
        trade
        for trade in listed
        if name == trade.executor.opened.signal_id or trade.executor.opened.executor_id.startswith(name)
    ]
    if len(found) != 1:
        how_many = "is no trade of the list" if not found else f"are {len(found)} trades of the list"
        raise UsageError(
            f"--picture = {name}: {how_many}; give a number of `recovery trades`, a signal's or an executor's id, or all"
        )
    return found


def _draw(runs: Sequence[Run], drawn: Sequence[Trade], to: Path, source: CandleSource) -> None:
    # Only here: matplotlib takes a second to load.
    from shared.cli.trade_files import write_pictures

    source.require_pairs(sorted({trade.executor.opened.pair for trade in drawn}))
    for told in write_pictures({run.run_id: run.record for run in runs}, drawn, to, source):
        typer.echo(told)
