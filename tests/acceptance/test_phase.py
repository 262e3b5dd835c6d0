"""`recovery phase` as a user meets it: gates on a journal, figures in the database, a sidecar that obeys."""

import json
import os
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain import events as ev
from tests.acceptance.bot_home import CHECKOUT, RECOVERY, BotHome
from tests.unit.domain.phase_runs import round_trip, run_of, signal_of, validated

JOURNAL = Path("data") / "recovery_journal.sqlite"


@pytest.fixture
def home(short_folder: Path) -> BotHome:
    """A home with nothing in it; its own database needs a short path."""
    return BotHome.make(short_folder / "home")


def write(home: BotHome, events: Sequence[ev.Event]) -> None:
    journal = SqliteJournal(home.path / JOURNAL, uuid.uuid4().hex)
    for event in events:
        journal.append(event)
    journal.close()


def answers(home: BotHome) -> dict[str, tuple[str, str]]:
    """Verdict and value of phase 2's criteria."""
    done = home.recovery("phase", "status", "--phase", "2", "--json")
    assert done.returncode == 0, done.stderr
    criteria = json.loads(done.stdout)["gates"][0]["criteria"]
    return {each["name"]: (each["verdict"], each["value"]) for each in criteria}


@pytest.mark.slow
def test_from_phase_1_to_phase_3(home: BotHome) -> None:
    write(home, run_of([round_trip(signal_of(number)) for number in range(9)]))
    refused = home.recovery("phase", "advance")
    assert refused.returncode == 1
    assert refused.stderr == (
        "recovery: phase 1 is not left: closed trades: 9, asked >= 10: INCONCLUSIVE: 1 more closed trade\n"
    )
    # The market replayed, further than before.
    write(home, run_of([round_trip(signal_of(number)) for number in range(10)]))
    assert home.recovery("phase", "advance").returncode == 0

    write(home, run_of(validated()))
    assert answers(home)["trades_stored"] == ("INCONCLUSIVE", "0 of 54"), "nobody shipped them"
    shipped = home.recovery("sidecar", "--once")
    assert shipped.returncode == 0, shipped.stderr
    shown = answers(home)
    assert {verdict for verdict, _ in shown.values()} == {"PASSED"}
    assert shown["trades_stored"] == ("PASSED", "54 of 54")
    assert home.recovery("phase", "advance").returncode == 0

    status = json.loads(home.recovery("phase", "status", "--json").stdout)
    assert status["phase"] == 3
    assert [gate["verdict"] for gate in status["gates"]] == ["PASSED", "PASSED", "INCONCLUSIVE", "INCONCLUSIVE"]
    history = json.loads(home.recovery("phase", "history", "--json").stdout)
    assert [(each["from_phase"], each["to_phase"], each["forced"]) for each in history] == [
        (1, 2, False),
        (2, 3, False),
    ]


@pytest.mark.slow
def test_a_query_can_be_pasted(home: BotHome) -> None:
    write(home, run_of(validated()))
    assert home.recovery("sidecar", "--once").returncode == 0
    status = json.loads(home.recovery("phase", "status", "--phase", "2", "--json").stdout)
    criteria = {criterion["name"]: criterion for criterion in status["gates"][0]["criteria"]}
    for criterion in (criteria["order_failure_rate"], criteria["take_profit_works"]):
        command = " ".join(
            [*(f"'{word}'" for word in RECOVERY), "db", "psql", "--csv", "-c", f'"{criterion["query"]}"']
        )
        done = subprocess.run(
            ["sh", "-c", command], env=home.environment(), capture_output=True, text=True, cwd=home.path, timeout=120
        )
        names, figures = (line.split(",") for line in done.stdout.splitlines())
        assert dict(zip(names, map(int, figures), strict=True)) == criterion["figures"], done.stderr


@pytest.mark.slow
def test_the_sidecar_obeys(home: BotHome) -> None:
    write(home, run_of([]))
    with subprocess.Popen(
        [*RECOVERY, "sidecar"],
        env={**os.environ, **home.environment()},
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
    ) as sidecar:
        assert sidecar.stdout is not None
        try:
            for arguments, phase in (
                ((), "phase 1, stabilise"),
                (("advance", "--force"), "phase 2, validate (before: 1)"),
                (("back",), "phase 1, stabilise (before: 2)"),
            ):
                if arguments:
                    assert home.recovery("phase", *arguments).returncode == 0
                while not (line := sidecar.stdout.readline()).rstrip().endswith(phase):
                    assert line, "the sidecar ended by itself"
        finally:
            sidecar.terminate()
        assert sidecar.wait(timeout=60) == 0
    beats = "select state, detail->>'phase' from service_heartbeat where service = 'phase'"
    assert home.recovery("db", "psql", "-At", "-c", beats).stdout.strip() == "stopped|1"
