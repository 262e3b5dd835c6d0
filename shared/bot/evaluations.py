"""Counts the candles a controller looked at into the journal: an event an hour, not one a candle."""

from typing import Any

from shared.bot.recorder import RunRecorder
from shared.domain import events as ev

_SPAN_MS = 3_600_000


class EvaluationCount:
    """One controller's count since its last event.

    Args:
        recorder: Where the events go.
    """

    def __init__(self, recorder: RunRecorder) -> None:
        self._recorder = recorder
        self._config: Any = None
        self._since_ms = 0
        self._until_ms: int | None = None
        self._evaluated = 0
        self._unevaluated = 0

    def add(self, config: Any, candle_close_ms: int, *, evaluated: bool) -> None:
        """Count the candle that closed then, and those since the one before as not looked at.

        Args:
            config: What it was looked at with; a count is of one configuration.
            candle_close_ms: UTC epoch milliseconds.
            evaluated: Whether there were enough candles for the rule.
        """
        if self._config is not None and self._config.config_id != config.config_id:
            self.flush()
        self._config = config
        interval_ms = config.interval_s * 1000
        next_ms = candle_close_ms if self._until_ms is None else self._until_ms + interval_ms
        if self._evaluated + self._unevaluated == 0:
            self._since_ms = next_ms
        self._unevaluated += (candle_close_ms - next_ms) // interval_ms
        self._evaluated += evaluated
        self._unevaluated += not evaluated
        self._until_ms = candle_close_ms
        if candle_close_ms - self._since_ms >= _SPAN_MS:
            self.flush()

    def flush(self) -> None:
        """Write what was counted, if anything. Call before the run ends."""
        if self._until_ms is None or self._evaluated + self._unevaluated == 0:
            return
        self._recorder.append(
            ev.CandlesEvaluated(
                at_ms=self._recorder.now_ms(),
                controller_id=self._config.id,
                strategy=self._config.strategy,
                pair=self._config.trading_pair,
                phase=self._config.phase,
                config_id=self._config.config_id,
                since_ms=self._since_ms,
                until_ms=self._until_ms,
                evaluated=self._evaluated,
                unevaluated=self._unevaluated,
            )
        )
        self._evaluated = self._unevaluated = 0
