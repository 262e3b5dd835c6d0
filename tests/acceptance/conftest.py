"""Fixtures of the acceptance tests."""

from pathlib import Path

import pytest

from tests.acceptance.bot_home import BotHome


@pytest.fixture
def home(tmp_path: Path) -> BotHome:
    return BotHome.make(tmp_path / "home")
