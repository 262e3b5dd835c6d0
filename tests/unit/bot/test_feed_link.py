"""The bot's connection to its sidecar: it comes back from everything, and says when it does not."""

import asyncio
import logging
import os
from pathlib import Path

import hummingbot
import pytest

from shared.adapters.feed_address import FEED_TOKEN, FEED_URL
from shared.bot import feed_link
from shared.bot.feed_link import PATIENCE_S, SILENCE_S, FeedLink
from shared.domain.stored import Timeframe
from shared.wire.feed_messages import FeedAlert, Subscription
from shared.wire.feed_view import FeedView
from tests.unit.bot.feed_server import PAIR, TOKEN, FeedServer, close, on_virtual_time, until, window


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the trader is told."""
    texts: list[str] = []
    monkeypatch.setattr(feed_link, "notify", texts.append)
    return texts


def joined() -> FeedView:
    view = FeedView(Subscription(PAIR, Timeframe.MINUTE, 100))
    FeedLink.of_this_process().join(view)
    return view


def newest(view: FeedView) -> float:
    return view.rows[-1][4]


def test_it_comes_back_and_has_what_closed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def use(server: FeedServer) -> None:
        view = joined()
        await until(lambda: view.has_window)
        server.windows[PAIR, Timeframe.MINUTE] = window(5)
        await server.drop()
        await until(lambda: len(view.rows) == 5)
        await server.tell(close(0, 7))
        await until(lambda: newest(view) == 7)
        assert server.handshakes == 2
        await FeedLink.of_this_process().leave(view)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))
    assert told == []
    assert [record.message for record in caplog.records if record.name == feed_link.__name__] == [
        "No candles from the sidecar: the sidecar closed the connection, code 1000. Trying again."
    ]


def test_what_it_had_stays_while_the_sidecar_is_gone_and_a_person_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    async def use(server: FeedServer) -> None:
        view = joined()
        await until(lambda: view.has_window)
        await server.stop()
        await asyncio.sleep(PATIENCE_S - 5)
        assert told == []
        await asyncio.sleep(3600)
        assert len(view.rows) == 3
        assert len(told) == 1
        assert told[0].startswith(
            f"No candles from the sidecar for 30 s: http://127.0.0.1:{server.port}: cannot be reached"
        )
        server.port = 0  # another one begins, at another address
        await server.start()
        await until(lambda: len(told) == 2)
        assert told[1] == "The sidecar serves candles again."
        await FeedLink.of_this_process().leave(view)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))


def test_a_sidecar_that_has_just_begun_takes_no_candles_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    async def use(server: FeedServer) -> None:
        view = joined()
        await until(lambda: len(view) == 3)
        await server.stop()
        server.windows[PAIR, Timeframe.MINUTE] = window(0, source=None, quote=None, reason="it has just begun")
        await server.start()
        await until(lambda: view.reason == "it has just begun")
        assert len(view) == 3
        await server.tell(window(5, generation=2))
        await until(lambda: len(view) == 5)
        await FeedLink.of_this_process().leave(view)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))


def test_it_waits_longer_and_longer_but_never_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def use(server: FeedServer) -> None:
        server.refuses = 503
        view = joined()
        await asyncio.sleep(600)
        assert 60 <= server.handshakes <= 130  # every 5 to 10 s, after a few that came sooner
        server.refuses = None
        await until(lambda: view.has_window, within_s=10)
        await FeedLink.of_this_process().leave(view)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))
    assert "HTTP 503" in told[0]
    assert [record.name for record in caplog.records].count(feed_link.__name__) == 1


def test_connections_that_end_at_once_do_not_come_in_a_storm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    async def use(server: FeedServer) -> None:
        view = joined()

        async def sabotage() -> None:
            while True:
                await asyncio.sleep(0.05)
                await server.tell_text("nonsense")

        saboteur = asyncio.create_task(sabotage())
        await asyncio.sleep(600)
        assert server.handshakes <= 130
        saboteur.cancel()
        await FeedLink.of_this_process().leave(view)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))


def test_a_half_open_connection_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]) -> None:
    async def use(server: FeedServer) -> None:
        view = joined()
        await until(lambda: view.has_window)
        server.is_silent = True
        link = FeedLink.of_this_process()
        await until(lambda: server.handshakes == 2, within_s=SILENCE_S + 3)
        server.is_silent = False
        await asyncio.sleep(120)
        assert server.handshakes == 2
        assert link.silent_s() <= 2.1
        await link.leave(view)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))
    assert told == []


def test_an_alert_reaches_the_trader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]) -> None:
    async def use(server: FeedServer) -> None:
        view = joined()
        await until(lambda: view.has_window)
        await server.tell(FeedAlert("polygon is cooling down: too many connections"))
        await until(lambda: told)
        assert told == ["polygon is cooling down: too many connections"]
        await FeedLink.of_this_process().leave(view)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))


def test_without_an_address_the_reason_is_told_and_an_address_is_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def use(server: FeedServer) -> None:
        view = joined()
        await asyncio.sleep(PATIENCE_S + 10)
        assert "feed_server.json: not there" in told[0]
        await server.start()
        await until(lambda: view.has_window)
        await FeedLink.of_this_process().leave(view)

    on_virtual_time(use, tmp_path, monkeypatch, window(3), is_there=False)
    assert TOKEN not in caplog.text


def test_a_wrong_token_is_an_answer_not_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def use(server: FeedServer) -> None:
        monkeypatch.setitem(os.environ, FEED_URL, f"http://127.0.0.1:{server.port}")
        monkeypatch.setitem(os.environ, FEED_TOKEN, "guessed-wrong")
        view = joined()
        await asyncio.sleep(PATIENCE_S + 10)
        assert told[0].endswith("the sidecar answered with HTTP 401. No new entries once they are stale.")
        await FeedLink.of_this_process().leave(view)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))
    assert "guessed-wrong" not in caplog.text + "".join(told)


def test_a_defect_is_not_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise RuntimeError("a defect")

    async def use(_: FeedServer) -> None:
        monkeypatch.setattr(hummingbot, "root_path", broken)
        view = joined()
        await asyncio.sleep(1)
        await FeedLink.of_this_process().leave(view)

    with caplog.at_level(logging.ERROR):
        on_virtual_time(use, tmp_path, monkeypatch, window(3))
    assert "a defect" in caplog.text
