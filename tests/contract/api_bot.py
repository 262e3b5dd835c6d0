"""A bot as hummingbot-api deploys it: its script v2_with_controllers.py, our controllers; run in a process of its own.

Its folders are what the API mounts and our image adds: conf, data, logs, scripts, controllers, and `shared`. It trades on the
local venue, on its clock. Every report the script would publish by MQTT is printed, encoded by Hummingbot's own code.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

RUN_S = 900
EDIT_S = 300


def main(script_config: str) -> None:
    folder = Path.cwd()
    sys.path.insert(0, str(folder))
    from shared.bot import home

    home.enter(folder)
    from shared.bot import launcher, session
    from shared.cli.local_venue import run_beside_venue
    from shared.cli.market import parse_market
    from shared.simulator.egress import EgressGuard

    content = yaml.safe_load((folder / "conf/scripts" / script_config).read_text())
    config: Any = SimpleNamespace(model_dump=lambda **_: content)
    found: dict[str, Any] = {}

    async def until(strategy: Any) -> None:
        await asyncio.sleep(EDIT_S)
        edit(folder / "conf/controllers")
        await asyncio.sleep(RUN_S - EDIT_S)
        found["controllers"] = {
            name: [type(one).__name__, sys.modules[type(one).__module__].__file__]
            for name, one in strategy.controllers.items()
        }
        found["reports"] = strategy.published

    async def work(_: Any) -> None:
        client_config = launcher.configure(simulated=True)
        await launcher.run_script("v2_with_controllers.py", script_config, config, client_config, until)

    egress = EgressGuard()
    run_beside_venue(parse_market("simulated", 1), ["BTC-USDT", "ETH-USDT"], None, egress, work)
    found["journal"] = str(session.journal_path())
    found["shared"] = sys.modules["shared"].__file__
    found["refused_hosts"] = dict(egress.refused)
    sys.stdout.write(json.dumps(found) + "\n")


def edit(folder: Path) -> None:
    """As the API edits a bot's copy: one setting that may change while it runs, one that may not."""
    path = folder / "deployed_dca.yml"
    content = yaml.safe_load(path.read_text()) | {"min_confidence": 0.1, "interval": "5m"}
    path.write_text(yaml.dump(content, default_flow_style=False))


if __name__ == "__main__":
    os.environ.setdefault("COLUMNS", "150")
    main(sys.argv[1])
