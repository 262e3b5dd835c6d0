"""A gate's figures asked of the store: for each criterion a query that gives what the journal's evidence gives.

They are for people, to be pasted into `recovery db psql -c`: nothing is left to be filled in. What counts is picked by the
rules of shared/domain/evidence.py.
"""

from collections.abc import Mapping

from shared.domain import markets
from shared.domain.criteria import STRATEGIES
from shared.domain.evidence import Evidence
from shared.domain.exits import LARGEST_GAP, LATEST_REACTION_MS, STOP_LOSS, TAKE_PROFIT

# Candidates are the taken signals of the configurations in force; of those with the same candle, the first counts.
_COUNTED = """\
with originals as (
    select substring(r.market from '{moved}')::bigint as shift_ms,
        coalesce(nullif(r.market, ''), r.run_id::text) as run_market, s.*
    from public.signals s join public.runs r using (run_id)
    where r.journal_id = {journal_id} and s.taken and s.phase >= {phase} and r.market not like '{unnamed}%'
        and s.config_id = any (array[{config_ids}]::text[])
), candidates as (
    select case when shift_ms is null then run_market else '{recorded}' end as market,
        candle_close - coalesce(shift_ms, 0) * interval '1 ms' as candle, o.*
    from originals o
), counted as (
    select distinct on (market, strategy, pair, side, candle) * from candidates
    order by market, strategy, pair, side, candle, seq
)
"""

_TRADES = """\
select count(*) as trades
from counted c join public.trades t using (run_id, signal_id)"""

_REACHED = """\
select count(*) as taken, count(*) filter (where exists (
    select from public.positions p join public.orders o using (run_id, executor_id)
    where p.run_id = c.run_id and p.signal_id = c.signal_id
)) as reached
from counted c"""

_RECONCILED = """\
select count(*) as trades, count(*) filter (
    where net_base <> 0 or abs(net_quote - reported_pnl_quote) > 1e-8 or abs(fees_quote - reported_fees_quote) > 1e-8
) as unreconciled
from public.positions
where closed_at is not null and fills > 0 and run_id in (select run_id from candidates)"""

_FAILURES = """\
select count(*) as orders, count(*) filter (where o.failed_seq is not null) as failed
from counted c join public.positions p using (run_id, signal_id)
join public.orders o on o.run_id = p.run_id and o.executor_id = p.executor_id"""

_BARRIER = """\
select count(*) filter (
    where (e.best_price - e.barrier_price) * (case p.side when 'BUY' then 1 else -1 end) * {direction} >= 0
        and e.at - e.untouched_at <= interval '{latest_ms} ms' and p.close_type = e.cause
        and abs(e.expected_price - e.barrier_price) <= {largest_gap} * e.barrier_price
        and abs(f.brought - e.expected_price * f.amount) <= e.tick * f.amount
) as worked, count(*) as seen
from counted c join public.positions p using (run_id, signal_id)
join public.trades t using (run_id, executor_id)
join (
    select distinct on (run_id, executor_id) * from public.exits order by run_id, executor_id, seq
) e using (run_id, executor_id)
left join lateral (
    select sum(f.price * f.amount) as brought, sum(f.amount) as amount
    from public.orders o join public.fills f using (run_id, order_id)
    where o.run_id = p.run_id and o.executor_id = p.executor_id and o.closing
) f on true
where e.cause = '{cause}'"""

_STORED = """\
select count(*) as trades from public.trades where run_id in (select run_id from candidates)"""

_STRATEGIES = "select " + ", ".join(f"count(*) filter (where c.strategy = '{each}') as {each}" for each in STRATEGIES)
_STRATEGIES += """
from counted c join public.trades t using (run_id, signal_id)"""

_LIMITS = {"latest_ms": LATEST_REACTION_MS, "largest_gap": LARGEST_GAP}

_QUERIES = {
    "closed_trades": _TRADES,
    "signals_reach_orders": _REACHED,
    "reconciled": _RECONCILED,
    "order_failure_rate": _FAILURES,
    "take_profit_works": _BARRIER.format(direction=1, cause=TAKE_PROFIT, **_LIMITS),
    "stop_loss_works": _BARRIER.format(direction=-1, cause=STOP_LOSS, **_LIMITS),
    "trades_stored": _STORED,
    "every_strategy": _STRATEGIES,
}


def evidence_queries(evidence: Evidence, journal_id: str) -> Mapping[str, str]:
    """Queries by the names of criteria; those that nothing measures have none.

    Args:
        evidence: What counts: its phase and configurations are written out.
        journal_id: Of the home's journal, because a store may hold those of several.

    Returns:
        SQL whose one row has the criterion's figures, named as they are.
    """
    config_ids = ", ".join(_literal(config.config_id) for config in evidence.configs)
    counted = _COUNTED.format(
        journal_id=_literal(journal_id),
        phase=evidence.phase,
        config_ids=config_ids,
        moved=markets.MOVED.format(pair="' || s.pair || '"),
        unnamed=markets.UNNAMED,
        recorded=markets.RECORDED,
    )
    return {name: counted + query for name, query in _QUERIES.items()}


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
