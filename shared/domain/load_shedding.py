"""Which pairs keep their one-minute bars while a source's limits bite; the others go on with longer ones."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Division:
    """Every pair once, in order of precedence.

    Attributes:
        kept: On one-minute bars.
        shed: On longer ones.
    """

    kept: tuple[str, ...]
    shed: tuple[str, ...]


def divide(asked: Iterable[str], configured: Iterable[str], *, keep: int) -> Division:
    """Choose the pairs that stay on one-minute bars.

    Args:
        asked: Pairs that bots ask for, the first to ask first: somebody trades on them.
        configured: Pairs to record whether a bot asks or not, in the order of the configuration.
        keep: How many stay.

    Raises:
        ValueError: `keep` is negative.
    """
    if keep < 0:
        raise ValueError(f"keep = {keep}: must be at least 0")
    pairs = tuple(dict.fromkeys([*asked, *configured]))
    return Division(pairs[:keep], pairs[keep:])


class LimitPressure:
    """Whether limits bite: often within a short time, until they have not for long. What goes in and out sheds nothing twice.

    Memory is bounded by `often`.
    """

    def __init__(self, *, often: int = 3, within_s: float = 60, calm_s: float = 600) -> None:
        """Begin calm.

        Args:
            often: Hits of a limit that mean it bites.
            within_s: The time they fall in.
            calm_s: Time without a hit after which it no longer bites.

        Raises:
            ValueError: `often` is below one.
        """
        if often < 1:
            raise ValueError(f"often = {often}: must be at least 1")
        self._within_s = within_s
        self._calm_s = calm_s
        self._hits_s: deque[float] = deque(maxlen=often)
        self._bites = False

    def hit(self, now_s: float) -> None:
        """A limit was hit, e.g. a source answered 429 or a connection takes no more symbols. `now_s` is a monotonic clock."""
        self._hits_s.append(now_s)
        is_full = len(self._hits_s) == self._hits_s.maxlen
        if is_full and now_s - self._hits_s[0] <= self._within_s:
            self._bites = True

    def bites(self, now_s: float) -> bool:
        """Whether to shed now."""
        if self._bites and now_s - self._hits_s[-1] >= self._calm_s:
            self._bites = False
        return self._bites
