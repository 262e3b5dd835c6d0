"""The page of trades in a real browser: its pictures show, it asks for nothing else, and nothing runs out of the window."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.sqlite_journal import SqliteJournal
from tests.acceptance.bot_home import BotHome
from tests.browser import browser_page
from tests.unit.cli.trade_samples import busy_run

# The page is the same on either release.
pytestmark = [pytest.mark.slow, pytest.mark.store]

SHOWN = "[...document.images].map(image => image.complete && image.naturalWidth > 0)"
ASKED_FOR = (
    "performance.getEntriesByType('resource').map(entry => entry.name).filter(name => !name.startsWith('data:'))"
)
FITS = "document.documentElement.scrollWidth <= window.innerWidth"


@pytest.fixture
def page_file(home: BotHome, tmp_path: Path) -> Path:
    """The page the command makes of three trades."""
    journal = SqliteJournal(home.path / "data" / "recovery_journal.sqlite", run_id="one")
    for event in busy_run():
        journal.append(event)
    journal.close()
    path = tmp_path / "trades.html"
    done = home.recovery("trades", "--picture", "all", "--to", str(path))
    assert done.returncode == 0, done.stderr
    return path


def seen(page_file: Path, width: int, *expressions: str) -> list[Any]:
    """What each expression comes to on the page, in a window so many pixels wide."""

    async def look() -> list[Any]:
        async with browser_page(page_file.with_name("profile")) as page:
            await page.open(page_file, width)
            return [await page.evaluate(expression) for expression in expressions]

    return asyncio.run(look())


def test_the_pictures_show_and_nothing_else_is_asked_for(page_file: Path) -> None:
    assert seen(page_file, 1000, "document.title", SHOWN, ASKED_FOR) == ["3 trades", [True] * 3, []]


@pytest.mark.parametrize("width", [400, 1000])
def test_nothing_runs_out_of_the_window(width: int, page_file: Path) -> None:
    assert seen(page_file, width, FITS) == [True]
