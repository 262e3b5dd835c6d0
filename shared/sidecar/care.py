"""How a service of the sidecar is treated: what counts as trouble and what as a defect, and how long it rests after either."""

from collections import deque
from dataclasses import dataclass

from shared.adapters.webhook import WebhookError, WebhookUnavailable
from shared.ports import FeedError, FeedUnavailable, JournalError, StoreError, StoreUnavailable

Trouble = StoreError | JournalError | FeedError | WebhookError
Passing = StoreUnavailable | FeedUnavailable | WebhookUnavailable
"""Trouble that waiting may mend."""


@dataclass(frozen=True)
class Care:
    """How a service is restarted and stopped.

    Attributes:
        first_retry_s, last_retry_s: Pause after the first failure in a row, doubled after each further one up to the last.
        restarts, restarts_within_s: Restarts after a defect, at most so many within any such span; at least one.
        settles_after_s: A step at work for so long is running, and the failures before it are forgotten; None where a step is
            so only once it has returned.
        grace_s: Once told to stop, a step has so long to end before it is cancelled; None for as long as it takes.
    """

    first_retry_s: float = 1.0
    last_retry_s: float = 60.0
    restarts: int = 5
    restarts_within_s: float = 600.0
    settles_after_s: float | None = None
    grace_s: float | None = None


# For a service whose step lasts until it is cancelled.
LASTING = Care(settles_after_s=5.0, grace_s=5.0)


class Rest:
    """How long one service rests after each of its failures."""

    def __init__(self, care: Care) -> None:
        self._care = care
        self._retry_s: float | None = None
        self._restarts_at_s: deque[float] = deque(maxlen=care.restarts)

    def after_trouble_s(self) -> float:
        """Seconds until it is tried again."""
        care = self._care
        self._retry_s = care.first_retry_s if self._retry_s is None else min(self._retry_s * 2, care.last_retry_s)
        return self._retry_s

    def after_defect_s(self, now_s: float) -> tuple[float, bool]:
        """Seconds until it is restarted, and whether its restarts are used up so that it waits for the span to pass.

        Args:
            now_s: By a monotonic clock.
        """
        care, restarts = self._care, self._restarts_at_s
        pause_s = self.after_trouble_s()
        # The one that must have left the span before another may be made.
        is_used_up = len(restarts) == care.restarts and restarts[0] + care.restarts_within_s > now_s + pause_s
        if is_used_up:
            pause_s = restarts[0] + care.restarts_within_s - now_s
        restarts.append(now_s + pause_s)
        return pause_s, is_used_up

    def settle(self) -> None:
        """It works: the next failure is the first of its row. Restarts count on."""
        self._retry_s = None

    def forget(self) -> None:
        """It was stopped: what was before does not count."""
        self._retry_s = None
        self._restarts_at_s.clear()


def trouble_in(error: BaseException) -> Trouble | None:
    """The trouble an error is, or the first one in a group of nothing else; None for a defect."""
    if isinstance(error, Trouble):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    troubles = [trouble_in(inner) for inner in error.exceptions]
    return None if None in troubles else troubles[0]
