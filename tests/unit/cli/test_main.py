"""The entry point: its subcommands, and one line for an error a user can mend."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from shared.cli import main as entry
from shared.cli.errors import UsageError
from tests.unit.cli.command import Command

CHECKOUT = Path(__file__).resolve().parents[3]


def test_help_names_every_subcommand(recovery: Command) -> None:
    done = recovery("--help")
    assert done.code == 0
    for name in ("run", "verify", "status", "venue", "console"):
        assert name in done.out


@pytest.mark.parametrize("arguments", [["nonesuch"], ["verify", "--nonesuch"]])
def test_an_unknown_word_is_bad_input(arguments: list[str], recovery: Command) -> None:
    done = recovery(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert arguments[-1] in done.err


def test_a_mendable_error_is_one_line_and_any_other_a_traceback(recovery: Command) -> None:
    def fail(error: Exception) -> None:
        def app() -> None:
            raise error

        recovery.monkeypatch.setattr(entry, "app", app)

    fail(UsageError("--x = 1:\nmust be 2"))
    assert recovery.refused() == "--x = 1: must be 2"
    fail(ValueError("a defect"))
    with pytest.raises(ValueError, match="a defect"):
        entry.main()


def test_the_command_loads_no_client_before_a_home_is_set() -> None:
    program = "import sys; import shared.cli.main\n"
    program += (
        "assert not [name for name in sys.modules if name.startswith(('hummingbot.client', 'shared.bot.config'))]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=CHECKOUT)


def test_versions_are_told(recovery: Command) -> None:
    try:
        ours = version("hummingbot-recovery")
    except PackageNotFoundError:
        pytest.skip("this checkout is not installed here, so it has no version")
    assert recovery("--version").out == f"recovery {ours}, hummingbot {version('hummingbot')}\n"
