-- What people wait for, each bounded by an index: open positions and PnL by strategy. Candles and signals are read from their
-- tables by key.

create function public.pnl_by_strategy(p_since timestamptz, p_until timestamptz)
returns table (strategy text, trades bigint, wins bigint, pnl_quote numeric, fees_quote numeric)
language sql stable set search_path = '' as $$
    select coalesce(strategy, 'unknown'), count(*), count(*) filter (where pnl_quote > 0), sum(pnl_quote), sum(fees_quote)
    from public.trades where closed_at >= p_since and closed_at < p_until
    group by 1 order by 1
$$;
comment on function public.pnl_by_strategy is 'Closed trades of a period. A trade whose signal is not stored is of strategy "unknown".';

-- What is stored of one run, to be held against its journal.
create function public.stored_counts(p_run_id uuid, out signals bigint, out orders bigint, out fills bigint, out trades bigint, out dead bigint)
language sql stable set search_path = '' as $$
    select
        (select count(*) from public.signals where run_id = p_run_id),
        (select count(*) from public.orders where run_id = p_run_id),
        (select count(*) from public.fills where run_id = p_run_id),
        (select count(*) from public.trades where run_id = p_run_id),
        (select count(*) from public.dead_letters where run_id = replace(p_run_id::text, '-', ''))
$$;

revoke all on function public.pnl_by_strategy, public.stored_counts from public, anon, authenticated;
grant execute on function public.pnl_by_strategy, public.stored_counts to service_role;
