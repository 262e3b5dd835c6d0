"""What a soak found, and whether that is good enough: as JSON and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from shared.domain.stored import Timeframe
from shared.simulator.fault_kinds import SHAPES, Kind
from tests.soak.truth import Found

MEMORY_SETTLED_H = 2
"""Hours until the books are full and the allocator has what it needs."""
MOST_GROWTH_MB_H = 1.0
"""Slope above which memory is not flat. With ledgers that forget nothing it is 4.2 (100 symbols, 6 h)."""
MOST_CONNECTIONS_A_MINUTE = 6
"""Our own limit (shared/wire/reconnection.py); the vendor names none."""


@dataclass(frozen=True)
class Soak:
    """One run.

    Attributes:
        faults: Drawn, by kind.
        hits: How often they hit something, by kind.
        connections: `ConnectionLog.report`.
        rss_mb: Of the whole process, at the end of each hour.
        whole_after_s: From the last fault's end until nothing was missing and all was stored; None: it took too long.
        put: Candles sent to the store, those that came again included.
        defects: Of services.
        real_s: What it took.
        found: What became of the bars.
    """

    hours: int
    symbols: int
    seed: int
    faults: Mapping[str, int]
    hits: Mapping[str, int]
    connections: Mapping[str, Any]
    rss_mb: Sequence[float]
    whole_after_s: float | None
    put: int
    quarantined: int
    malformed: int
    mismatches: int
    switches: int
    defects: int
    real_s: float = 0.0
    found: Mapping[Timeframe, Found] = field(default_factory=dict)

    @property
    def growth_mb_h(self) -> float | None:
        """Slope of the memory once it has settled; None where the run is too short to say.

        The median of the slopes between any two hours: a huge answer that is under way at one of them is no growth.
        """
        settled = list(enumerate(self.rss_mb))[MEMORY_SETTLED_H:]
        slopes = [(after - before) / (late - early) for (early, before), (late, after) in combinations(settled, 2)]
        return median(slopes) if len(settled) > MEMORY_SETTLED_H else None

    @property
    def misses(self) -> list[str]:
        """What is not as it must be, a sentence each."""
        misses = [
            f"{timeframe} bars: {one.missing} missing, {one.wrong} wrong, {one.surplus} surplus: {one.examples}"
            for timeframe, one in self.found.items()
            if not one.is_right
        ]
        if self.whole_after_s is None:
            misses.append("something was still missing long after the last fault")
        if self.connections["most_at_once"] > 1:
            misses.append(f"{self.connections['most_at_once']} connections to Polygon at once")
        if self.connections["most_in_a_minute"] > MOST_CONNECTIONS_A_MINUTE:
            misses.append(f"{self.connections['most_in_a_minute']} connections to Polygon within a minute")
        if self.growth_mb_h is not None and self.growth_mb_h > MOST_GROWTH_MB_H:
            misses.append(f"memory grows by {self.growth_mb_h:.2f} MB an hour, more than {MOST_GROWTH_MB_H}")
        if self.defects:
            misses.append(f"{self.defects} defects of services")
        return misses

    def json(self) -> dict[str, Any]:
        return asdict(self) | {"growth_mb_h": self.growth_mb_h, "misses": self.misses}

    def show(self, console: Console) -> None:
        bars = Table("bars", "had", "stored", "missing", "wrong", "surplus", "revised")
        for timeframe, one in self.found.items():
            counts = (one.had, one.stored, one.missing, one.wrong, one.surplus, one.revised)
            bars.add_row(timeframe.value, *(f"{each:,}" for each in counts))
        console.print(bars)
        figures = Table(f"{self.hours} h, {self.symbols} symbols, seed {self.seed}", "")
        growth = "too short to say" if self.growth_mb_h is None else f"{self.growth_mb_h:+.2f}"
        after = "never" if self.whole_after_s is None else f"{self.whole_after_s:,.0f}"
        for name, value in {
            "faults drawn": f"{sum(self.faults.values()):,} of {len(self.faults)} kinds",
            "things they hit": f"{sum(self.hits.values()):,}",
            "connections to Polygon": f"{self.connections['asked']:,}",
            "most at once": f"{self.connections['most_at_once']} (must be 1)",
            "most within a minute": f"{self.connections['most_in_a_minute']} (<= {MOST_CONNECTIONS_A_MINUTE})",
            "all stored, seconds after the last fault": after,
            "candles sent to the store": f"{self.put:,}",
            "bars in quarantine": f"{self.quarantined:,}",
            "records that could not be read": f"{self.malformed:,}",
            "longer bars unlike the source's own": f"{self.mismatches:,}",
            "changes of source": f"{self.switches:,}",
            "defects of services": f"{self.defects:,} (must be 0)",
            "memory, MB at each hour": " ".join(f"{each:.0f}" for each in self.rss_mb),
            f"growth after hour {MEMORY_SETTLED_H}, MB an hour": f"{growth} (<= {MOST_GROWTH_MB_H})",
            "real seconds": f"{self.real_s:,.0f}",
        }.items():
            figures.add_row(name, value)
        console.print(figures)
        kinds = Table("fault", "drawn", "hits")
        for kind, drawn in sorted(self.faults.items()):
            hits = self.hits.get(kind, 0)
            kinds.add_row(kind, str(drawn), str(hits) if hits or SHAPES[Kind(kind)].counts else "not counted")
        console.print(kinds)
        for miss in self.misses:
            console.print(f"MISSED: {miss}", style="red")
