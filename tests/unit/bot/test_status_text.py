"""A snapshot as text for Hummingbot's console: every figure, on any width."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hummingbot.client.hummingbot_application import HummingbotApplication

from shared.bot.status import Snapshot
from shared.bot.status_text import render_text
from shared.domain.funnel import funnel_of
from shared.domain.run_record import RunRecord
from tests.unit.bot.status_samples import POSITION, view


def test_every_figure_of_a_position_is_shown() -> None:
    for columns in (110, 54):
        shown = render_text(view(POSITION), columns=columns)
        for figure in ("BTC-USDT", "2/3", "98,123.45", "399.99", "-3.21 (-0.80%)", "1.80%", "3.20%", "1.5 h"):
            assert figure in shown
        assert max(map(len, shown.splitlines())) <= columns


def test_prices_have_the_digits_their_size_needs() -> None:
    shown = render_text(view(), columns=110)
    assert "97,654.30" in shown
    assert "0.512346" in shown
    assert "3.21% below the 4 h high, buys at 5.00%" in shown


def test_the_funnel_and_the_trades_are_shown() -> None:
    shown = render_text(view(), columns=110)
    assert "5 signals -> 2 taken -> 4 orders (1 failed) -> 4 fills -> 1 trades closed, PnL +0.8490" in shown
    assert "refused: 1 capital, 2 cooldown" in shown
    assert "take profit" in shown
    assert "+0.8490" in shown
    assert shown.count("none") == 1, "there is no open position"


def test_an_empty_run_is_shown() -> None:
    nothing = Snapshot(0.0, (), (), funnel_of(RunRecord()), Decimal(0), Decimal(0), ())
    for columns in (110, 54):
        assert render_text(nothing, columns=columns).count("none") == 3


def test_a_closing_position_says_so_and_a_missing_time_limit_too() -> None:
    for columns in (110, 54):
        assert "closing" in render_text(view(replace(POSITION, closing=True)), columns=columns)
    assert "1.5 h" not in render_text(view(replace(POSITION, time_left_s=None)), columns=110)


def test_a_refused_edit_is_shown() -> None:
    shown = render_text(view(), "x.yml: levels = 0: must be greater than or equal to 1", columns=110)
    assert "Edit refused, the old values stay: x.yml: levels = 0" in shown


def test_without_a_console_the_lines_are_of_fixed_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HummingbotApplication, "_main_app", None)
    assert render_text(view(POSITION)) == render_text(view(POSITION), columns=110)
    pane = SimpleNamespace(window=SimpleNamespace(render_info=SimpleNamespace(window_width=62)))
    console = SimpleNamespace(app=SimpleNamespace(output_field=pane))
    monkeypatch.setattr(HummingbotApplication, "_main_app", console)
    assert render_text(view(POSITION)) == render_text(view(POSITION), columns=60)
