"""The facts of health as Prometheus reads them. Each is made when asked for, from the last look: nothing is counted twice."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from shared.domain.feed_status import FeedStatus, Mode
from shared.domain.health import HealthReport
from shared.domain.health_facts import Activity, Facts, Space
from shared.domain.stored import ServiceState
from shared.sidecar.health_service import HealthService

# Label values and a figure; one that is not known is left out.
Row = tuple[Sequence[str], float | None]


class HealthMetrics(Collector):
    """Collects from a service's last look; nothing before the first.

    Args:
        health: The service.
    """

    def __init__(self, health: HealthService) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        facts, report = self._health.facts, self._health.report()
        if facts is None or report is None:
            return
        yield from _sidecar(facts, report)
        yield _counter("alerts", "Alerts told", ["level"], [([k], v) for k, v in self._health.alerts_told.items()])
        if facts.feeds is not None:
            yield from _sources(facts.feeds)
            yield from _pairs(facts.feeds)
        if isinstance(facts.activity, Activity):
            yield from _activity(facts.activity)


def _sidecar(facts: Facts, report: HealthReport) -> Iterator[Metric]:
    yield _gauge(
        "check_level", "0 OK, 1 WARN, 2 FAIL", ["check"], [([c.name], c.level.severity) for c in report.checks]
    )
    yield _gauge("uptime_seconds", "Since the sidecar began", [], [([], facts.uptime_s)])
    yield _gauge("phase", "Phase of the recovery plan", [], [([], facts.phase)])
    states = [([s.name, state], float(s.state is state)) for s in facts.services for state in ServiceState]
    yield _gauge("service_state", "1 for the state a service is in", ["service", "state"], states)
    defects = [([s.name], s.defects) for s in facts.services]
    yield _counter("service_defects", "Defects of a service", ["service"], defects)
    lag = facts.lag
    yield _gauge("journal_waiting_events", "Events not shipped", [], [([], None if lag is None else lag.waiting)])
    yield _gauge("journal_behind_seconds", "Since none waited", [], [([], None if lag is None else lag.behind_s)])
    spaces = {"disk": facts.disk} | ({"database": facts.database} if isinstance(facts.database, Space) else {})
    yield _gauge("used_bytes", "Bytes taken", ["of"], [([of], space.used_bytes) for of, space in spaces.items()])
    yield _gauge("limit_bytes", "Bytes there are", ["of"], [([of], space.limit_bytes) for of, space in spaces.items()])
    process = facts.process
    yield _gauge("process_cpu_cores", "Of the sidecar, since the last look", [], [([], process.cpu)])
    yield _gauge("process_resident_bytes", "Memory of the sidecar", [], [([], process.rss_bytes)])
    yield _gauge("process_open_files", "Files and sockets of the sidecar", [], [([], process.open_files)])
    yield _gauge("errors_last_hour", "Errors by kind", ["kind"], [([kind], n) for kind, n in facts.errors.items()])


def _sources(feeds: FeedStatus) -> Iterator[Metric]:
    labels, all_ = ["source"], feeds.sources
    yield _gauge("source_in_use", "1 where pairs are served from it", labels, [([s.source], s.is_in_use) for s in all_])
    yield _gauge("source_fit", "1 where its canary is on time", labels, [([s.source], s.is_fit) for s in all_])
    yield _gauge("source_link", "1 for where it stands", ["source", "link"], [([s.source, s.link], 1) for s in all_])
    newest = [([s.source], None if s.newest_close_ms is None else s.newest_close_ms / 1000) for s in all_]
    yield _gauge("source_newest_close_timestamp_seconds", "End of its newest bar", labels, newest)
    skews = [([s.source], None if s.clock_skew_ms is None else s.clock_skew_ms / 1000) for s in all_]
    yield _gauge("source_clock_skew_seconds", "Its clock less this machine's", labels, skews)
    connections = [([s.source], s.connections_last_minute) for s in all_]
    yield _gauge("source_connections_last_minute", "Connections opened within 60 s", labels, connections)
    reconnections = [([s.source], s.reconnections) for s in all_]
    yield _counter("source_reconnections", "Connections opened after the first", labels, reconnections)
    yield _counter("source_malformed", "Records not readable", labels, [([s.source], s.malformed) for s in all_])
    yield _counter("source_quarantined", "Bars not possible", labels, [([s.source], s.quarantined) for s in all_])
    yield _counter("source_switches", "Changes of the source in use", [], [([], feeds.switches)])
    yield _gauge("outbox_waiting_bars", "Bars on their way to the store", [], [([], feeds.outbox_waiting)])
    yield _gauge("pairs_shed", "Pairs with fewer or longer bars", [], [([], feeds.shed)])


def _pairs(feeds: FeedStatus) -> Iterator[Metric]:
    labels, all_ = ["pair", "source", "symbol"], feeds.pairs
    ages = [([p.pair, p.source or "", p.symbol or ""], p.age_s) for p in all_]
    yield _gauge("pair_age_seconds", "Since its newest candle was over", labels, ages)
    modes = [([p.pair, mode], float(p.mode is mode)) for p in all_ for mode in Mode]
    yield _gauge("pair_mode", "1 for the mode it is in", ["pair", "mode"], modes)
    yield _gauge("pair_missing_bars", "Known to be missing", ["pair"], [([p.pair], p.missing) for p in all_])
    yield _counter("pair_empty_minutes", "Minutes without a trade", ["pair"], [([p.pair], p.empty) for p in all_])
    yield _counter("pair_revised_bars", "Bars changed by a source", ["pair"], [([p.pair], p.revised) for p in all_])
    mismatches = [([p.pair], p.mismatches) for p in all_]
    yield _counter("pair_mismatched_bars", "Built bars unlike the source's own", ["pair"], mismatches)


def _activity(activity: Activity) -> Iterator[Metric]:
    signals = {"taken": activity.taken, **activity.refused}
    yield _gauge("signals_24h", "Signals by outcome", ["outcome"], [([k], v) for k, v in signals.items()])
    yield _gauge("orders_24h", "Orders placed", [], [([], activity.orders)])
    yield _gauge("orders_failed_24h", "By code", ["code"], [([k], v) for k, v in activity.failed.items()])
    yield _gauge("fills_24h", "Fills", [], [([], activity.fills)])
    yield _gauge("trades_24h", "Trades closed", [], [([], activity.trades)])
    yield _gauge("candles_24h", "Candles looked at", [], [([], activity.candles)])
    yield _gauge("candles_unevaluated_24h", "Candles not looked at", [], [([], activity.unevaluated)])


def _gauge(name: str, documentation: str, labels: Sequence[str], rows: Iterable[Row]) -> Metric:
    return _filled(GaugeMetricFamily(f"recovery_{name}", documentation, labels=labels), rows)


def _counter(name: str, documentation: str, labels: Sequence[str], rows: Iterable[Row]) -> Metric:
    return _filled(CounterMetricFamily(f"recovery_{name}", documentation, labels=labels), rows)


def _filled[Family: (GaugeMetricFamily, CounterMetricFamily)](family: Family, rows: Iterable[Row]) -> Family:
    for labels, figure in rows:
        if figure is not None:
            family.add_metric(labels, float(figure))
    return family
