"""Lengths of time on the calendar, and the days and months that partitions are made of. All times are UTC."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

_WRITTEN = re.compile(r"([1-9][0-9]{0,4})(d|mo|y)")
_MAX_YEARS = 50


class WindowError(ValueError):
    """A window that is not one, or a time without a time zone. The message is one sentence."""


@dataclass(frozen=True)
class Window:
    """A length of time on the calendar: half a year ends on the day it began, whatever its months count.

    Attributes:
        days: Days; 0 where the window is in months.
        months: Calendar months; 0 where the window is in days.
    """

    days: int = 0
    months: int = 0

    def __post_init__(self) -> None:
        if min(self.days, self.months) < 0 or (self.days > 0) == (self.months > 0):
            raise WindowError(f"{self.days} days and {self.months} months: a window is some days or some months")
        if self.longest_days > 366 * _MAX_YEARS:
            raise WindowError(f"{self} is longer than {_MAX_YEARS} years")

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Read "30d", "6mo" or "2y".

        Raises:
            WindowError: It is written otherwise, or longer than 50 years.
        """
        written = _WRITTEN.fullmatch(text)
        if written is None:
            raise WindowError(f"{text!r} is no window, which looks like 30d, 6mo or 1y")
        count, unit = int(written[1]), written[2]
        return cls(days=count) if unit == "d" else cls(months=count * (12 if unit == "y" else 1))

    def __str__(self) -> str:
        if self.days:
            return f"{self.days}d"
        return f"{self.months}mo" if self.months % 12 else f"{self.months // 12}y"

    @property
    def shortest_days(self) -> int:
        """Days it lasts at least, whenever it ends."""
        return self.days + self.months // 12 * 365 + self.months % 12 * 28

    @property
    def longest_days(self) -> int:
        """Days it lasts at most."""
        return self.days + self.months // 12 * 366 + self.months % 12 * 31

    def before(self, now: datetime) -> datetime:
        """When the window that ends `now` began: same day and time, or the month's last day where it has no such day."""
        now = in_utc(now)
        year, month = divmod(now.year * 12 + now.month - 1 - self.months, 12)
        day = min(now.day, monthrange(year, month + 1)[1])
        return now.replace(year=year, month=month + 1, day=day) - timedelta(days=self.days)

    def outlasts(self, other: "Window") -> bool:
        """Whether it is the longer one whenever it ends; 3mo does not outlast 90d, for February is short."""
        if bool(self.days) == bool(other.days):
            return (self.days, self.months) > (other.days, other.months)
        return self.shortest_days > other.longest_days


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of time, `[start, end)`, UTC."""

    start: datetime
    end: datetime


class PartitionStep(Enum):
    """How much time one partition holds: a UTC day or a UTC calendar month."""

    DAILY = "daily"
    MONTHLY = "monthly"

    def span(self, at: datetime) -> Span:
        """The step that contains a time."""
        start = in_utc(at).replace(hour=0, minute=0, second=0, microsecond=0)
        if self is PartitionStep.DAILY:
            return Span(start, start + timedelta(days=1))
        start = start.replace(day=1)
        return Span(start, (start + timedelta(days=31)).replace(day=1))

    def following(self, at: datetime, count: int) -> tuple[Span, ...]:
        """The `count` steps after the one that contains a time, in order."""
        spans, span = [], self.span(at)
        for _ in range(count):
            span = self.span(span.end)
            spans.append(span)
        return tuple(spans)

    def between(self, first: datetime, last: datetime) -> tuple[Span, ...]:
        """The steps that contain the times from `first` to `last`, both included, in order; none if `last` is earlier."""
        if in_utc(last) < in_utc(first):
            return ()
        spans = [self.span(first)]
        while spans[-1].end <= last:
            spans.append(self.span(spans[-1].end))
        return tuple(spans)


def in_utc(at: datetime) -> datetime:
    """The same instant, in UTC.

    Raises:
        WindowError: It has no time zone: nobody knows which instant it is.
    """
    if at.tzinfo is None:
        raise WindowError(f"{at}: has no time zone")
    return at.astimezone(UTC)
