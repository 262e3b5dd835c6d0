"""A verdict in words."""

import io

from rich.console import Console

from shared.cli.verdict import print_verdict
from shared.domain.verification import Verification

CHECKED = {"signals": 3, "orders": 5, "fills": 7, "trades": 2}


def shown(*mismatches: str) -> list[str]:
    out = io.StringIO()
    print_verdict(Console(file=out, width=40), Verification(CHECKED, mismatches))
    return out.getvalue().splitlines()


def test_what_adds_up() -> None:
    assert " ".join(" ".join(shown()).split()) == "Verified: 2 trades add up (3 signals, 5 orders, 7 fills)"


def test_each_mismatch_is_a_line_however_long_and_whatever_it_holds() -> None:
    long = "fill [red]x[/red] " + "is far beyond the width of the screen " * 3
    assert shown(long, "second")[-2:] == [f"  - {long}", "  - second"]
