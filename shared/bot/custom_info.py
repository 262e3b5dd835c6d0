"""What a controller tells Dashboard, Condor and MQTT of itself: phase, funnel, health, in less than 1 kB.

Hummingbot publishes it with every performance report, once a second by default (controller_base.py, get_custom_info).
"""

import math
from collections import Counter
from decimal import Decimal
from itertools import islice
from typing import Any

from shared.bot.recorder import RunRecorder
from shared.domain.rules import Evaluation
from shared.domain.run_record import ZERO, ExecutorRecord

_REASONS_SHOWN = 3
_VALUES_SHOWN = 8
_DIGITS = 6


class CustomInfo:
    """One controller's view of the run's record, read on from where it was read before."""

    def __init__(self, recorder: RunRecorder) -> None:
        self._recorder = recorder
        self._signals_read = 0
        self._executors_read = 0
        self._signals = 0
        self._taken = 0
        self._refused: Counter[str] = Counter()
        self._executors: list[ExecutorRecord] = []
        self._last_signal: str | None = None

    def read(self, config: Any, latest: Evaluation | None) -> dict[str, Any]:
        """The figures now.

        Args:
            config: The controller's configuration.
            latest: What its rule saw last.
        """
        self._read_on(config.id)
        orders = [order for executor in self._executors for order in executor.orders]
        closed = [executor for executor in self._executors if executor.is_closed_trade]
        return {
            "pair": config.trading_pair,
            "phase": config.phase,
            "config": config.config_id,
            "funnel": {
                "signals": self._signals,
                "taken": self._taken,
                "orders": len(orders),
                "failed": sum(1 for order in orders if order.failed is not None),
                "filled": sum(1 for order in orders if order.fills),
                "closed": len(closed),
            },
            "refused": dict(self._refused.most_common(_REASONS_SHOWN)),
            "pnl_quote": _number(sum((trade.pnl_quote for trade in closed), ZERO)),
            "fees_quote": _number(sum((trade.fees_quote for trade in closed), ZERO)),
            "health": self._health(config, latest),
            "last_signal": self._last_signal,
            "values": {
                name: round(value, _DIGITS) if math.isfinite(value) else None
                for name, value in islice((latest.values if latest else {}).items(), _VALUES_SHOWN)
            },
        }

    def _read_on(self, controller_id: str) -> None:
        record = self._recorder.record
        for signal in islice(record.signals, self._signals_read, None):
            if signal.controller_id == controller_id:
                self._signals += 1
                self._taken += signal.taken
                self._last_signal = signal.signal_id
                if signal.reason is not None:
                    self._refused[str(signal.reason)] += 1
        self._signals_read = len(record.signals)
        new = islice(record.executors.values(), self._executors_read, None)
        self._executors += [executor for executor in new if executor.opened.controller_id == controller_id]
        self._executors_read = len(record.executors)

    def _health(self, config: Any, latest: Evaluation | None) -> str:
        if self._recorder.failure is not None:
            return "journal failed"
        if latest is None:
            return "waiting for candles"
        age_s = (self._recorder.now_ms() - latest.candle_close_ms) // 1000
        # The next candle closes an interval later; the feed may be that late again before it is worth a word.
        return "ok" if age_s <= 2 * config.interval_s else f"stale for {age_s} s"


def _number(amount: Decimal) -> float:
    return round(float(amount), _DIGITS)
