"""One bot's run: its journal and its limits over all controllers.

There is one session a process at a time. A script of ours begins it; a controller deployed under a foreign script (Hummingbot
Dashboard uses v2_with_controllers.py) finds one begun for it with the limits of its own configuration.
"""

import os
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import hummingbot

from shared.adapters.sqlite_journal import SqliteJournal
from shared.bot import home
from shared.bot.config_fields import MONTH_S
from shared.bot.recorder import RunRecorder, now_ms
from shared.domain import events as ev
from shared.domain.limits import Limits, Reservation, refuse_by_limits
from shared.domain.protections import Protections, TradeHistory, refuse_by_history
from shared.domain.run_record import RunRecord
from shared.domain.signals import Refusal, Signal
from shared.ports import Journal

_PHASE = re.compile(r"_phase[0-9]+(?=_|$)")
JOURNAL_FILE = "recovery_journal.sqlite"


def journal_path() -> Path:
    """The journal of the home this process runs in."""
    return Path(hummingbot.data_path()) / JOURNAL_FILE


@dataclass(frozen=True)
class Proposal:
    """A signal with all that decides on it beside the limits over all controllers.

    Attributes:
        signal: The signal.
        amount_quote: Size of the whole position, quote.
        protections: The controller's own bounds.
        own_refusal: A reason the controller found by itself, if any.
        adjustments: What sizing had to change, by name of the setting, with the reason.
        phase: Phase its configuration belongs to.
        config_id: Fingerprint of its configuration.
    """

    signal: Signal
    amount_quote: Decimal
    protections: Protections
    own_refusal: Refusal | None = None
    adjustments: Mapping[str, str] = field(default_factory=dict)
    phase: int | None = None
    config_id: str | None = None


class Session(RunRecorder):
    """Decides on signals, and keeps what each taken one claims until its executor has closed.

    Args:
        journal: Where the events go.
        limits: Bounds over all controllers; None leaves each controller to its own.
        clock: The time now, UTC epoch milliseconds.

    Attributes:
        stopping: Set once the bot winds down: signals are then refused.
        exit_causes: Why a controller wants an executor closed, by executor id, until that is recorded.
    """

    def __init__(self, journal: Journal, limits: Limits | None, clock: Callable[[], int] = now_ms) -> None:
        super().__init__(journal, clock)
        self.limits = limits
        self.stopping = False
        self.exit_causes: dict[str, str] = {}
        self._reservations: dict[str, Reservation] = {}
        self._history: defaultdict[str, TradeHistory] = defaultdict(TradeHistory)

    def decide(self, proposal: Proposal) -> bool:
        """Take or refuse a signal, and record which and why.

        Returns:
            Whether it was taken. Its reservation then stands until its executor closes.
        """
        signal, at_ms = proposal.signal, self.now_ms()
        refusal = proposal.own_refusal or self._refusal(proposal, at_ms)
        self.append(
            ev.SignalDecided(
                at_ms=at_ms,
                signal_id=signal.signal_id,
                controller_id=signal.controller_id,
                strategy=signal.strategy,
                pair=signal.pair,
                side=signal.side,
                candle_close_ms=signal.candle_close_ms,
                price=signal.price,
                confidence=signal.confidence,
                thresholds=signal.thresholds,
                values=signal.values,
                components=signal.components,
                adjustments=proposal.adjustments,
                phase=proposal.phase,
                config_id=proposal.config_id,
                reason=refusal,
            )
        )
        if refusal is None:
            self._reservations[signal.signal_id] = _reservation(proposal)
            self._note_taken(signal.controller_id, at_ms)
        return refusal is None

    def _refusal(self, proposal: Proposal, at_ms: int) -> Refusal | None:
        if self.stopping:
            return Refusal.STOPPING
        controller_id = proposal.signal.controller_id
        own = sum(1 for held in self._reservations.values() if held.controller_id == controller_id)
        refusal = refuse_by_history(proposal.protections, own, self._history[_without_phase(controller_id)], at_ms)
        if refusal is None and self.limits is not None:
            refusal = refuse_by_limits(self.limits, self._reservations.values(), _reservation(proposal))
        return refusal

    def remember(self, run: RunRecord) -> None:
        """Take a past run's trades into account, so that no pause or ban ends by a restart.

        What lies ahead of now has not happened: simulated time starts over.
        """
        now = self.now_ms()
        for signal in run.signals:
            if signal.taken and signal.at_ms <= now:
                self._note_taken(signal.controller_id, signal.at_ms)
        closed = [(trade.opened.controller_id, trade.closed) for trade in run.closed_trades if trade.closed is not None]
        for controller_id, close in sorted(closed, key=lambda each: each[1].at_ms):
            if close.at_ms <= now:
                self._note_closed(controller_id, close.close_type, close.at_ms)

    def _note_taken(self, controller_id: str, at_ms: int) -> None:
        name = _without_phase(controller_id)
        self._history[name] = self._history[name].taken(at_ms)

    def _note_closed(self, controller_id: str, close_type: str, at_ms: int) -> None:
        name = _without_phase(controller_id)
        self._history[name] = self._history[name].closed(close_type, at_ms)

    def has_open_positions(self, controller_id: str) -> bool:
        """Whether anything a controller took has not closed yet."""
        return any(held.controller_id == controller_id for held in self._reservations.values())

    def executor_closed(self, executor: Any, *, pnl_quote: Decimal, fees_quote: Decimal) -> None:
        self.exit_causes.pop(executor.config.id, None)
        held = self._reservations.pop(executor.config.level_id, None)
        # An entry that was never filled is no trade: it neither is a stop nor comes between two.
        if held is not None and executor.close_type is not None and self._was_filled(executor):
            self._note_closed(held.controller_id, executor.close_type.name, self.now_ms())
        super().executor_closed(executor, pnl_quote=pnl_quote, fees_quote=fees_quote)

    def _was_filled(self, executor: Any) -> bool:
        record = self.record.executors.get(executor.config.id)
        return record is not None and bool(record.fills)


def _reservation(proposal: Proposal) -> Reservation:
    signal = proposal.signal
    return Reservation(signal.controller_id, signal.strategy, signal.pair, proposal.amount_quote)


def _without_phase(controller_id: str) -> str:
    """What a controller and the one that takes its place in another phase have in common: no pause ends with a phase."""
    return _PHASE.sub("", controller_id)


_current: Session | None = None
_market: str | None = None


def trade_on(market: str) -> None:
    """Name the market of this process's runs, as the journal is to have it."""
    global _market
    _market = market


def market_name() -> str:
    """What this process trades on: as it was told, else the local venue in its environment, else live data."""
    venue_url = os.environ.get(home.VENUE_URL)
    return _market or (f"venue {venue_url}" if venue_url else "live")


def begin(limits: Limits | None, journal: Journal | None = None) -> Session:
    """Start a new session; the one before, if any, has ended with its strategy."""
    global _current
    if _current is not None:
        # The strategy before this one has ended, or failed to start.
        _current.journal.close()
    _current = Session(journal or SqliteJournal(journal_path(), run_id=uuid.uuid4().hex), limits)
    for run in _past_runs(_current.journal, _current.now_ms()):
        _current.remember(run)
    return _current


def _past_runs(journal: Journal, now_ms: int) -> list[RunRecord]:
    """The runs on this process's market that the longest pause may still last from, oldest first."""
    runs: list[RunRecord] = []
    for run_id in reversed(journal.runs()):
        started = next(iter(journal.read(run_id)), None)
        if not isinstance(started, ev.RunStarted) or started.market != market_name() or started.at_ms >= now_ms:
            continue
        run = RunRecord.of(journal.read(run_id))
        if run.last_ms < now_ms - MONTH_S * 1000:
            break
        runs.append(run)
    return runs[::-1]


def current() -> Session:
    """The session of this process, begun without overall limits where no script of ours has begun one."""
    return _current if _current is not None else begin(limits=None)
