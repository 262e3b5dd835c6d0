"""`python -m tests.soak`: a day of a hundred symbols with faults, on a database of its own; exit code 1 on a miss."""

import argparse
import asyncio
import json
import logging
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from rich.console import Console

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.embedded import EmbeddedPostgres
from shared.adapters.postgres.migrations import migrate
from tests.soak.running import Plan
from tests.soak.soak import soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--hours", type=int, default=24, help="virtual hours (default 24)")
    parser.add_argument("--symbols", type=int, default=100, help="symbols, 2 to 100 (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="of faults and prices (default 1)")
    parser.add_argument("--faults-an-hour", type=float, default=36.0, help="faults drawn for an hour (default 36)")
    parser.add_argument("--json", action="store_true", help="the result as JSON; progress goes to stderr")
    parser.add_argument("--log", type=Path, help="file for all that the sidecar says")
    options = parser.parse_args()
    if options.hours < 1 or not 2 <= options.symbols <= 100:
        parser.error("--hours must be at least 1, --symbols 2 to 100")
    logging.basicConfig(filename=options.log, level=logging.INFO if options.log else logging.CRITICAL)
    plan = Plan(options.hours, options.symbols, options.seed, options.faults_an_hour)
    progress = Console(highlight=False, stderr=options.json)
    folder = Path(tempfile.mkdtemp(prefix="r-soak-"))
    try:
        with EmbeddedPostgres(folder / "postgres") as postgres:
            address = Address(postgres.url(), "soak")
            asyncio.run(migrate(address))
            soaked = soak(plan, folder, address, partial(progress.print, soft_wrap=True))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        sys.stdout.write(json.dumps(soaked.json(), indent=2) + "\n")
    else:
        soaked.show(progress)
    return 1 if soaked.misses else 0


if __name__ == "__main__":
    sys.exit(main())
