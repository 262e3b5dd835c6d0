"""One bot's run: its journal and its limits over all controllers.

There is one session a process at a time. A script of ours begins it; a controller deployed under a foreign script (Hummingbot
Dashboard uses v2_with_controllers.py) finds one begun for it with the limits of its own configuration.
"""

import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import hummingbot

from shared.adapters.sqlite_journal import SqliteJournal
from shared.bot.recorder import RunRecorder, now_ms
from shared.domain import events as ev
from shared.domain.limits import Limits, Reservation, refuse_by_limits
from shared.domain.signals import Refusal, Signal
from shared.ports import Journal

JOURNAL_FILE = "recovery_journal.sqlite"


def journal_path() -> Path:
    """The journal of the home this process runs in."""
    return Path(hummingbot.data_path()) / JOURNAL_FILE


class Session(RunRecorder):
    """Decides on signals, and keeps what each taken one claims until its executor has closed.

    Args:
        journal: Where the events go.
        limits: Bounds over all controllers; None leaves each controller to its own.

    Attributes:
        stopping: Set once the bot winds down: signals are then refused.
    """

    def __init__(self, journal: Journal, limits: Limits | None) -> None:
        super().__init__(journal)
        self.limits = limits
        self.stopping = False
        self._reservations: dict[str, Reservation] = {}
        self._last_taken_ms: dict[str, int] = {}

    def decide(
        self, signal: Signal, amount_quote: Decimal, *, own_refusal: Refusal | None, max_positions: int, cooldown_s: int
    ) -> bool:
        """Take or refuse a signal, and record which and why.

        Args:
            signal: The signal.
            amount_quote: Size of the whole position, quote.
            own_refusal: A reason the controller found by itself, if any.
            max_positions: Positions one controller may have open at once.
            cooldown_s: Seconds that must pass between two positions of one controller.

        Returns:
            Whether it was taken. Its reservation then stands until its executor closes.
        """
        refusal = own_refusal or self._refusal(signal, amount_quote, max_positions, cooldown_s)
        at_ms = now_ms()
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
                reason=refusal,
            )
        )
        if refusal is None:
            self._reservations[signal.signal_id] = Reservation(signal.controller_id, signal.pair, amount_quote)
            self._last_taken_ms[signal.controller_id] = at_ms
        return refusal is None

    def _refusal(self, signal: Signal, amount_quote: Decimal, max_positions: int, cooldown_s: int) -> Refusal | None:
        if self.stopping:
            return Refusal.STOPPING
        own = sum(1 for held in self._reservations.values() if held.controller_id == signal.controller_id)
        if own >= max_positions:
            return Refusal.POSITION_OPEN
        if self.limits is not None:
            refusal = refuse_by_limits(self.limits, self._reservations, signal.pair, amount_quote)
            if refusal is not None:
                return refusal
        last_ms = self._last_taken_ms.get(signal.controller_id)
        if last_ms is not None and now_ms() - last_ms < cooldown_s * 1000:
            return Refusal.COOLDOWN
        return None

    def executor_closed(self, executor: Any, *, pnl_quote: Decimal, fees_quote: Decimal) -> None:
        self._reservations.pop(executor.config.level_id, None)
        super().executor_closed(executor, pnl_quote=pnl_quote, fees_quote=fees_quote)


_current: Session | None = None


def begin(limits: Limits | None, journal: Journal | None = None) -> Session:
    """Start a new session; the one before, if any, has ended with its strategy."""
    global _current
    if _current is not None:
        # The strategy before this one has ended, or failed to start.
        _current.journal.close()
    _current = Session(journal or SqliteJournal(journal_path(), run_id=uuid.uuid4().hex), limits)
    return _current


def current() -> Session:
    """The session of this process, begun without overall limits where no script of ours has begun one."""
    return _current if _current is not None else begin(limits=None)
