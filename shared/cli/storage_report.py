"""`recovery storage analyze`: how large the database is, of what, how fast it grows, what it costs and what retention saves."""

import asyncio
import io
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.connection import connected
from shared.adapters.postgres.sizes import DatabaseSizes, read_sizes
from shared.cli.db import HomeOption, home_of
from shared.cli.errors import UsageError
from shared.cli.storage_sizes import Report, as_json_view, print_report
from shared.domain.projection import project
from shared.domain.storage import GB_BYTES, savings
from shared.sidecar.config import SidecarConfig, find_config, load_config
from shared.sidecar.database import open_database

_SVG_COLUMNS = 100


def analyze(
    home: HomeOption = None,
    days: Annotated[int, typer.Option(min=2, max=3660, help="Days to look ahead.")] = 365,
    partitions: Annotated[bool, typer.Option("--partitions", help="Show each partition and each small table.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Write the report as a picture, too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show rows, bytes, index and bloat by table, growth, cost, when the database is full, and what retention would save.

    Nothing is counted and nothing is changed: sizes are the catalog's, rows and bloat the planner's estimates. It works on a
    legacy database too, before any migration. Size limit and price are in conf/sidecar.yml.
    """
    if svg is not None and not svg.absolute().parent.is_dir():
        raise UsageError(f"--svg = {svg}: there is no folder {svg.absolute().parent}")
    bot_home = home_of(home)
    config = load_config(find_config(bot_home))
    with open_database(bot_home) as database:
        report = judged(str(database.address), asyncio.run(_read(database.address)), config, days)
    if svg is not None:
        _write_picture(svg, report, partitions)
    if as_json:
        typer.echo(json.dumps(as_json_view(report), indent=2))
    else:
        print_report(Console(), report, partitions)


def judged(place: str, sizes: DatabaseSizes, config: SidecarConfig, days: int) -> Report:
    """A database's sizes, with what follows from them by the configuration.

    Args:
        place: Which database, without its password.
        sizes: As it is.
        config: Windows, limit and price.
        days: To look ahead.
    """
    policies = config.retention.policies
    price = config.storage.price_usd_per_gb_month
    return Report(
        place=place,
        sizes=sizes,
        limit_bytes=int(config.storage.size_limit_gb * GB_BYTES),
        price_usd_per_gb_month=price,
        savings=savings(sizes.retained, policies, sizes.at, price),
        projections=project(
            sizes.database_bytes,
            sizes.retained,
            policies,
            sizes.written_per_day,
            sizes.other_per_day,
            sizes.at,
            days,
        ),
    )


async def _read(address: Address) -> DatabaseSizes:
    async with connected(address) as connection:
        return await read_sizes(connection)


def _write_picture(path: Path, report: Report, partitions: bool) -> None:
    console = Console(
        record=True, width=_SVG_COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    print_report(console, report, partitions)
    picture = console.export_svg(title=f"recovery storage analyze, {report.sizes.at:%Y-%m-%d %H:%M} UTC")
    # Some programs drop the blanks a line begins with, and so shift the plot, unless they are told not to.
    picture = picture.replace("<svg ", '<svg xml:space="preserve" ', 1)
    try:
        path.write_text(picture)
    except OSError as error:
        raise UsageError(f"--svg = {path}: cannot be written: {error.strerror}") from error
