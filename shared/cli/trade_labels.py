"""Names in a picture, beside what they name and never over one another."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from matplotlib.axes import Axes

_GAP = 0.048
"""Of the axes' height, from the middle of one name to the next."""
_LEFT = 1.045
"""Where names begin, as a fraction of the axes' width."""


@dataclass(frozen=True)
class Label:
    """The name of what lies at a price, to stand at the right of the picture."""

    price: float
    text: str
    color: str


def write_labels(axes: Axes, labels: Sequence[Label]) -> None:
    """Write each beside its price, joined to it by a line. The axes' limits are final by now."""
    low, high = axes.get_ylim()
    ordered = sorted(labels, key=lambda label: label.price)
    wanted = [(label.price - low) / (high - low) for label in ordered]
    for label, at, place in zip(ordered, wanted, spread(wanted, _GAP), strict=True):
        axes.annotate(
            label.text,
            (1.0, at),
            (_LEFT, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            color=label.color,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": label.color, "linewidth": 0.7, "relpos": (0, 0.5), "shrinkB": 0},
        )


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Places between 0 and 1, `gap` or more apart, as near as may be to those wanted.

    Args:
        wanted: Ascending, within 0 and 1.
        gap: Least distance; so many gaps must fit.
    """
    # Less its share of the gaps, none may lie below the one before: a group in which one would is drawn to its mean.
    groups: list[list[float]] = []
    for number, place in enumerate(wanted):
        groups.append([place - number * gap])
        while len(groups) > 1 and fmean(groups[-2]) > fmean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    room = 1 - gap * (len(wanted) - 1)
    means = [fmean(group) for group in groups for _ in group]
    return [min(max(mean, 0.0), room) + number * gap for number, mean in enumerate(means)]
