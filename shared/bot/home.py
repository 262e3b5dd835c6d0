"""The home a bot runs in: the folder Hummingbot finds scripts, controllers, conf, data and logs in.

`hummingbot.root_path()` is site-packages when Hummingbot is pip-installed, and much of its client binds paths derived from it
at import. So a home is prepared, and Hummingbot pointed at it, before `hummingbot.client` is imported anywhere.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from shared.adapters import lock_file

VENUE_URL = "RECOVERY_VENUE_URL"
"""Environment variable: base URL of a local venue in another process or container, `http://host:port`."""

CHECKOUT = Path(__file__).resolve().parents[2]
# Folder in the home -> folder of this project. The rest of `conf` is Hummingbot's own: client settings, keys, logging.
_LINKS = {
    "scripts": "hummingbot_scripts",
    "controllers": "controllers",
    "shared": "shared",
    "conf/controllers": "conf/controllers",
    "conf/scripts": "conf/scripts",
}


class HomeError(Exception):
    """The home cannot be used. The message is one sentence."""


def default_home() -> Path:
    """`RECOVERY_HOME`, or a folder of this checkout, one a release: Hummingbot's client settings differ between them."""
    return Path(os.environ.get("RECOVERY_HOME") or CHECKOUT / "home" / version("hummingbot"))


def prepare(home: Path) -> Path:
    """Make the home's folders and links; what is already there is left alone.

    Args:
        home: The folder; made if absent. One with folders of its own, e.g. conf/controllers, keeps them.

    Returns:
        Its absolute path.

    Raises:
        HomeError: It cannot be made, or belongs to another release of Hummingbot.
    """
    home = home.absolute()
    _claim(home)
    try:
        for folder in ("data", "logs", "conf/connectors", "conf/strategies"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        for name, target in _LINKS.items():
            if not (home / name).exists():
                (home / name).symlink_to(CHECKOUT / target)
        _link_package(home)
    except OSError as error:
        raise HomeError(f"{home}: cannot be made a home: {error.strerror or error}") from error
    return home


def _claim(home: Path) -> None:
    """A release's settings and databases cannot be read by another one: a home keeps to the first that ran in it."""
    mark, release = home / ".hummingbot_release", version("hummingbot")
    try:
        home.mkdir(parents=True, exist_ok=True)
        owner = mark.read_text().strip() if mark.exists() else None
        if owner is None:
            mark.write_text(release + "\n")
    except OSError as error:
        raise HomeError(f"{home}: cannot be made a home: {error.strerror or error}") from error
    if owner not in (None, release):
        raise HomeError(f"{home}: belongs to Hummingbot {owner}, this is {release}; choose another home with --home")


def _link_package(home: Path) -> None:
    # Connector scan and templates are looked for under the root path.
    import hummingbot

    # Resolved, because a process started in a home imports Hummingbot through this very link.
    link, package = home / "hummingbot", Path(hummingbot.__file__).resolve().parent
    if link.is_symlink() and link.resolve() != package:
        link.unlink()
    if not link.exists():
        link.symlink_to(package)


@contextmanager
def lock(home: Path) -> Iterator[None]:
    """Hold the home for one bot.

    Raises:
        HomeError: Another process holds it.
    """
    try:
        with lock_file.hold(home / "data" / "bot.lock"):
            yield
    except lock_file.LockHeld as error:
        raise HomeError(
            f"{home}: locked by process {error.holder}: one bot a home; stop it or choose another with --home"
        ) from None


def set_databases_aside(home: Path, keep: str) -> None:
    """Let Hummingbot's own databases start empty; the last ones stay in data/previous. Hold the home's lock.

    Simulated time starts over with every market, and Hummingbot selects what it shows by time: the trades of one market
    would be taken for those of the next. The journal (`keep`) has runs instead, and stays.
    """
    previous = home / "data" / "previous"
    for database in (home / "data").glob("*.sqlite"):
        if database.name != keep:
            previous.mkdir(exist_ok=True)
            database.replace(previous / database.name)


def enter(home: Path) -> None:
    """Point this process's Hummingbot at a prepared home. Call before anything imports `hummingbot.client`.

    Raises:
        HomeError: It is too late.
    """
    if "hummingbot.client.settings" in sys.modules:
        raise HomeError(f"{home}: Hummingbot's client was imported before the home was set")
    import hummingbot

    hummingbot.root_path = lambda: home
    hummingbot.set_prefix_path(str(home))
    os.chdir(home)
    if str(home) not in sys.path:
        sys.path.insert(0, str(home))
    templates = home / "hummingbot" / "templates"
    for name in ("hummingbot_logs", "conf_fee_overrides"):
        target = home / "conf" / f"{name}.yml"
        if not target.exists():
            shutil.copy(templates / f"{name}_TEMPLATE.yml", target)
