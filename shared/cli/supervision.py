"""Watch over a run: its screen, its end, its report."""

import asyncio
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import psutil
from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from shared.adapters.sqlite_journal import SqliteJournal
from shared.bot import launcher, session, status
from shared.bot.script_config import RecoveryScriptConfig
from shared.cli.market import MarketChoice
from shared.cli.screen import goal, screen
from shared.cli.verdict import print_verdict
from shared.domain.funnel import funnel_of
from shared.domain.report import RunReport
from shared.domain.run_record import RunRecord
from shared.domain.verification import verify
from shared.simulator.egress import EgressGuard
from shared.simulator.virtual_time import real_time

_REFRESH_S = 0.25
_LINE_EVERY_S = 5.0


class Supervisor:
    """Runs the script until enough trades have closed, time is up, the market has ended or someone says stop.

    Args:
        market: What is traded.
        config_name: File of conf/scripts, for the log.
        until_trades: Closed trades to reach; 0 for no such end.
        timeout_s: Real seconds allowed; None for no bound.

    Attributes:
        egress: Refuses other hosts in a simulated run.
        market_ended: Set once the recorded or simulated market has no more data; None on a live one.
        console: Where it shows what it does.
        timed_out: Whether the run ended short of `until_trades`.
    """

    def __init__(self, market: MarketChoice, config_name: str, until_trades: int, timeout_s: float | None) -> None:
        self.market = market
        self.egress = EgressGuard()
        self.market_ended: asyncio.Event | None = None
        self.timed_out = False
        self._config_name = config_name
        self._until_trades = until_trades
        self._timeout_s = timeout_s
        self._stop_reason: str | None = None
        self._began_s = real_time()
        self._process_began_s = psutil.Process().create_time()
        self._ready_s: float | None = None
        self._market_began_s = 0.0
        self._market_ended_s = 0.0
        self._run_id: str | None = None
        self.console = Console()

    def request_stop(self, reason: str) -> None:
        """Ask for an orderly end."""
        self._stop_reason = self._stop_reason or reason

    async def trade(self, script: str, config: RecoveryScriptConfig, *, simulated: bool) -> None:
        """Run the script to its end, positions closed and journal complete."""
        client_config = launcher.configure(simulated=simulated)
        session.trade_on(self.market.description)
        self._market_began_s = time.time()
        await launcher.run_script(script, self._config_name, config, client_config, self._watch)
        self._market_ended_s = time.time()

    async def _watch(self, strategy: Any) -> None:
        self._run_id = strategy.session.journal.run_id
        if self.console.is_terminal:
            with Live(console=self.console, auto_refresh=False, transient=True) as live:
                await self._until_done(strategy, lambda: live.update(self._screen(strategy), refresh=True), _REFRESH_S)
        else:
            await self._until_done(strategy, lambda: self._print_line(strategy), _LINE_EVERY_S)

    async def _until_done(self, strategy: Any, show: Callable[[], None], every_s: float) -> None:
        shown_s = 0.0
        while self._stop_reason is None:
            await asyncio.sleep(1.0)
            if self._ready_s is None and strategy.ready_to_trade and not status.waiting_for(strategy):
                self._ready_s = real_time() - self._process_began_s
            self._stop_reason = self._stop_reason or self._reason_to_stop(strategy)
            if real_time() - shown_s >= every_s:
                shown_s = real_time()
                show()
        show()

    def _reason_to_stop(self, strategy: Any) -> str | None:
        if strategy.session.failure is not None:
            raise strategy.session.failure
        if 0 < self._until_trades <= len(strategy.session.record.closed_trades):
            return f"{self._until_trades} trades closed"
        if self._timeout_s is not None and real_time() - self._began_s >= self._timeout_s:
            self.timed_out = True
            return f"timed out after {self._timeout_s:g} s"
        if self.market_ended is not None and self.market_ended.is_set():
            self.timed_out = True
            return "the market's data ended"
        return None

    # What is shown.

    def _screen(self, strategy: Any) -> RenderableType:
        if self._ready_s is None:
            return Text(f"  {self._market_line}   waiting for {status.waiting_for(strategy)}", style="dim")
        view = status.snapshot(strategy)
        return screen(
            view,
            heading=f"{self._market_line}   Ctrl-C stops in good order",
            until_trades=self._until_trades,
            clock=f"{_utc(view.at_s)}   {self._pace()}",
            columns=self.console.width,
        )

    def _print_line(self, strategy: Any) -> None:
        if self._ready_s is None:
            self.console.print(f"waiting for {status.waiting_for(strategy)}", highlight=False, soft_wrap=True)
            return
        view = status.snapshot(strategy)
        by_pair = {pair.pair: pair.price for pair in view.pairs}
        prices = " ".join(f"{pair} {price:,.2f}" for pair, price in by_pair.items())
        funnel = view.funnel
        self.console.print(
            f"{_utc(view.at_s)} {prices} | {funnel.signals} signals, {funnel.taken} taken, {funnel.orders} orders, "
            f"{funnel.fills} fills, {len(view.positions)} open, {goal(funnel.trades, self._until_trades)} trades, "
            f"PnL {view.pnl_quote:+,.4f} | {self._pace()}",
            highlight=False,
            soft_wrap=True,
        )

    @property
    def _market_line(self) -> str:
        return self.market.title.splitlines()[0]

    def _pace(self) -> str:
        real = max(real_time() - self._began_s, 0.001)
        return f"{(time.time() - self._market_began_s) / real:,.0f}x"

    @property
    def run_id(self) -> str:
        """The run's id in the journal, known once it trades."""
        assert self._run_id is not None
        return self._run_id

    def report(self) -> RunReport:
        """Read the run back from the journal's file and prove it."""
        journal = SqliteJournal(session.journal_path())
        try:
            record = RunRecord.of(journal.read(self.run_id))
        finally:
            journal.close()
        return RunReport(
            hummingbot=version("hummingbot"),
            venue=self.market.name,
            seed=None if self.market.is_live else self.market.seed,
            duration_s=real_time() - self._began_s,
            market_duration_s=self._market_ended_s - self._market_began_s,
            ready_s=self._ready_s,
            refused_hosts=dict(self.egress.refused),
            record=record,
            verification=verify(record),
        )

    def print_summary(self, report: RunReport) -> None:
        """The end of the run in a few lines: what happened, what it earned, whether it adds up."""
        console = self.console
        funnel = funnel_of(report.record)
        console.print()
        console.print(f"Stopped: {self._stop_reason}", highlight=False)
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        rows = {
            "Hummingbot": report.hummingbot,
            "Market": self.market.title,
            "Time": f"{report.duration_s:.1f} s for {_span(report.market_duration_s)} of market",
            "Signals": f"{funnel.signals}, {funnel.taken} taken" + _counts(", refused: ", report.signals_refused),
            "Orders": f"{funnel.orders}, {sum(report.orders_failed.values())} failed"
            + _counts(": ", report.orders_failed),
            "Fills": str(funnel.fills),
            "Trades closed": f"{funnel.trades}" + _counts(": ", report.close_types),
            "PnL after fees": f"{report.realized_pnl_quote:+,.8f} quote ({report.fees_quote:,.8f} fees)",
            "Refused hosts": _counts("", report.refused_hosts) or "none",
        }
        for name, value in rows.items():
            table.add_row(name, Text(value))
        console.print(table)
        print_verdict(console, report.verification)


def _counts(prefix: str, counts: Any) -> str:
    return prefix + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) if counts else ""


def _utc(at_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_s))


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"
