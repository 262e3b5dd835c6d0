"""How far a source's clock is from this machine's, measured by asking it for the time.

An answer was made somewhere between question and receipt, so each one bounds the offset from both sides. What all of the last
ones allow is the offset: a quick answer tells most, and several together tell more than a clock that shows whole seconds does.
"""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClockSample:
    """One question and its answer, in UTC epoch milliseconds.

    Attributes:
        sent_ms: When it was asked, by this machine's clock.
        server_ms: The answer.
        received_ms: When it came, by this machine's clock.
        resolution_ms: The steps the source's clock is told in, cut off: 1000 where it tells whole seconds.
    """

    sent_ms: float
    server_ms: float
    received_ms: float
    resolution_ms: float = 1

    @property
    def least_ms(self) -> float:
        """The least the source's clock can be ahead of this machine's."""
        return self.server_ms - self.received_ms

    @property
    def most_ms(self) -> float:
        """The most it can be ahead."""
        return self.server_ms + self.resolution_ms - self.sent_ms


class ClockSkew:
    """The offset of one source's clock."""

    def __init__(self, window: int = 8) -> None:
        """Begin unmeasured.

        Args:
            window: Newest samples to rest on.

        Raises:
            ValueError: There are none.
        """
        if window < 1:
            raise ValueError(f"window = {window}: must be at least 1")
        self._samples: deque[ClockSample] = deque(maxlen=window)

    @property
    def offset_ms(self) -> float | None:
        """The source's clock less this machine's; None where not measured."""
        return (self._least_ms + self._most_ms) / 2 if self._samples else None

    @property
    def error_ms(self) -> float | None:
        """How far off `offset_ms` may be at most; None where not measured."""
        return (self._most_ms - self._least_ms) / 2 if self._samples else None

    def add(self, sample: ClockSample) -> bool:
        """Take a sample.

        One that allows no offset which the others do means that a clock was set: what was measured before is forgotten.

        Returns:
            Whether it was taken. One that came before it was asked for is not: this machine's clock was set in between.
        """
        if sample.received_ms < sample.sent_ms:
            self._samples.clear()
            return False
        if self._samples and (sample.most_ms < self._least_ms or sample.least_ms > self._most_ms):
            self._samples.clear()
        self._samples.append(sample)
        return True

    def source_time_ms(self, here_ms: float) -> float:
        """What the source's clock shows when this machine's shows `here_ms`; the same where nothing was measured."""
        return here_ms + (self.offset_ms or 0.0)

    @property
    def _least_ms(self) -> float:
        return max(sample.least_ms for sample in self._samples)

    @property
    def _most_ms(self) -> float:
        return min(sample.most_ms for sample in self._samples)
