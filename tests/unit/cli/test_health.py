"""`recovery health`: what it shows, pinned, and what its exit code says.

After a change that is meant, write the golden files anew: python -m tests.unit.cli.test_health
"""

import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from shared.adapters.feed_address import FeedAddress, write_address
from shared.cli import health as command
from shared.cli.health_view import health_view
from shared.domain.feed_status import FeedStatus, Mode
from shared.domain.health import HealthReport, Level
from shared.domain.health_rules import health_checks
from shared.domain.stored import ServiceState
from shared.wire.health_codec import read_report, report_as_json
from tests.unit.cli.command import Command
from tests.unit.domain.health_samples import BINANCE, COINGECKO, FACTS, FEEDS, PAIR, POLYGON, SHIPPING

GOLDEN = Path(__file__).parent / "golden"
AT_MS = 1_795_437_641_000
TOKEN = "t0ken"


def report(**changes: Any) -> HealthReport:
    facts = replace(FACTS, **changes)
    return HealthReport("20260126", AT_MS, facts.uptime_s, health_checks(facts))


def many_pairs(stale: int) -> FeedStatus:
    pairs = [replace(PAIR, pair=f"C{number:03}-USDT", symbol=f"C{number:03}-USD") for number in range(100)]
    pairs[:stale] = [replace(pair, mode=Mode.STALE, age_s=400.0) for pair in pairs[:stale]]
    return replace(FEEDS, pairs=tuple(pairs))


TROUBLED = report(
    feeds=replace(
        FEEDS,
        sources=(
            replace(
                POLYGON,
                link="cooling",
                cause="the account has its one connection already",
                is_in_use=False,
                is_fit=False,
            ),
            replace(BINANCE, is_in_use=True),
            COINGECKO,
        ),
        pairs=(
            replace(PAIR, mode=Mode.STALE, source="binance", symbol="BTC-USDT", age_s=311.0, missing=4),
            replace(PAIR, pair="ETH-USDT", mode=Mode.STALE, source=None, symbol=None, age_s=None),
        ),
        switches=3,
    ),
    services=(
        replace(SHIPPING, state=ServiceState.WAITING, trouble="db: cannot be reached", since_s=30.0),
        replace(SHIPPING, name="predictor", state=ServiceState.STOPPED, stopped_in_phase=1),
    ),
)
SHOWN = {
    "health_100": (report(), 100),
    "health_troubled_80": (TROUBLED, 80),
    "health_troubled_140": (TROUBLED, 140),
    "health_pairs_100": (report(feeds=many_pairs(15), uptime_s=200_000.0), 100),
}


def shown(given: HealthReport, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(health_view(given))
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


@pytest.mark.parametrize("name", SHOWN)
def test_what_people_read(name: str) -> None:
    assert shown(*SHOWN[name]) == (GOLDEN / f"{name}.txt").read_text()


def test_many_pairs_are_told_in_numbers() -> None:
    lines = shown(report(feeds=many_pairs(0)), 100)
    assert "100 of 100 OK" in lines
    assert "C001" not in lines


@contextmanager
def sidecar(home: Path, status: int, body: str) -> Iterator[None]:
    """One that answers /health like this, to those with its token."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.path == "/health" and self.headers["Authorization"] == f"Bearer {TOKEN}"
            self.send_response(status if is_known else 401)
            self.end_headers()
            self.wfile.write(body.encode() if is_known else b'{"error": "the token is wrong"}')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        (home / "data").mkdir(exist_ok=True)
        write_address(home, FeedAddress(f"http://127.0.0.1:{server.server_port}", TOKEN))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def answered(given: HealthReport) -> str:
    return json.dumps(report_as_json(given))


@pytest.mark.parametrize(("given", "code"), [(report(), 0), (TROUBLED, 1)])
def test_the_exit_code_is_that_of_the_worst_check(recovery: Command, given: HealthReport, code: int) -> None:
    with sidecar(recovery.home, 503 if code else 200, answered(given)):
        done = recovery("health")
        assert (done.code, done.err) == (code, "")
        assert done.out.startswith(f"20260126  {given.level}  2026-11-23 12:40:41 UTC, up 2 h 1 min")


def test_a_warning_is_no_failure(recovery: Command) -> None:
    given = report(errors={"dead letters": 1})
    assert given.level is Level.WARN
    with sidecar(recovery.home, 200, answered(given)):
        assert recovery("health").code == 0


def test_as_json(recovery: Command) -> None:
    with sidecar(recovery.home, 503, answered(TROUBLED)):
        done = recovery("health", "--json")
    assert done.code == 1
    assert read_report(done.out) == TROUBLED


def test_no_sidecar(recovery: Command) -> None:
    done = recovery("health")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"recovery: {recovery.home}: no sidecar runs here; recovery sidecar starts one\n"


def test_a_sidecar_that_is_gone(recovery: Command) -> None:
    (recovery.home / "data").mkdir()
    write_address(recovery.home, FeedAddress("http://127.0.0.1:9", TOKEN))
    done = recovery("health")
    assert done.code == 1
    assert "http://127.0.0.1:9: does not answer (ConnectError)" in done.err
    assert TOKEN not in done.err


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, '{"error": "starting: nothing was looked at yet"}', "answered 503: "),
        (200, "<html>", "answered 200: <html>"),
        (404, "not here", "answered 404: not here"),
    ],
)
def test_what_is_no_report(recovery: Command, status: int, body: str, said: str) -> None:
    with sidecar(recovery.home, status, body):
        done = recovery("health")
    assert done.code == 1
    assert said in done.err
    assert done.err.count("\n") == 1


def test_another_token(recovery: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with sidecar(recovery.home, 200, answered(report())):
        address = json.loads((recovery.home / "data" / "feed_server.json").read_text())
        monkeypatch.setenv("RECOVERY_FEED_URL", address["url"])
        monkeypatch.setenv("RECOVERY_FEED_TOKEN", "0ther-secret")
        done = recovery("health")
    assert done.code == 1
    assert "answered 401" in done.err
    assert "0ther-secret" not in done.err


def test_a_file_that_names_no_sidecar(recovery: Command) -> None:
    (recovery.home / "data").mkdir()
    (recovery.home / "data" / "feed_server.json").write_text('{"url": "nowhere", "token": "t"}')
    assert "url: must be an address" in recovery.refused("health")


def test_watching_goes_on_until_told_to_stop(recovery: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[HealthReport | str] = ["no report of a sidecar", report(), TROUBLED]
    left = iter(looks)
    monkeypatch.setattr(command, "_look", lambda home: next(left))

    def pause(seconds: float) -> None:
        if seconds == 2.0 and len(pauses) == 2:
            raise KeyboardInterrupt
        pauses.append(seconds)

    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pause)
    done = recovery("health", "--watch", "--json")
    assert done.code == 1, "that of the last look"
    lines = done.out.splitlines()
    assert json.loads(lines[0]) == {"error": "no report of a sidecar"}
    assert [read_report(line) for line in lines[1:]] == looks[1:]


if __name__ == "__main__":
    for name, (given, width) in SHOWN.items():
        (GOLDEN / f"{name}.txt").write_text(shown(given, width))
