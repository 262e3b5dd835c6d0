"""The page of trades in a real browser: its pictures show, it asks for nothing else, and nothing runs out of the window."""

import asyncio
from pathlib import Path

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


@pytest.mark.parametrize("width", [400, 1000])
def test_the_pictures_show_and_fit(width: int, home: BotHome, tmp_path: Path) -> None:
    journal = SqliteJournal(home.path / "data" / "recovery_journal.sqlite", run_id="one")
    for event in busy_run():
        journal.append(event)
    journal.close()
    page_file = tmp_path / "trades.html"
    done = home.recovery("trades", "--picture", "all", "--to", str(page_file))
    assert done.returncode == 0, done.stderr

    async def look() -> None:
        async with browser_page(tmp_path / "profile") as page:
            await page.open(page_file, width)
            assert await page.evaluate("document.title") == "3 trades"
            assert await page.evaluate(SHOWN) == [True] * 3
            assert await page.evaluate(ASKED_FOR) == []
            assert await page.evaluate(FITS)

    asyncio.run(look())
