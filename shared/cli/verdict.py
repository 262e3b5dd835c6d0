"""How a verification is shown."""

from rich.console import Console

from shared.domain.verification import Verification


def print_verdict(console: Console, verification: Verification) -> None:
    """Whether a run adds up, and each thing that does not."""
    checked = verification.checked
    walked = f"{checked['signals']} signals, {checked['orders']} orders, {checked['fills']} fills"
    if verification.ok:
        console.print(f"[green]Verified:[/green] {checked['trades']} trades add up ({walked})", highlight=False)
        return
    console.print(f"[red]NOT verified:[/red] {len(verification.mismatches)} mismatches ({walked})", highlight=False)
    for mismatch in verification.mismatches:
        console.print(f"  - {mismatch}", highlight=False, soft_wrap=True, markup=False)
