-- Shipping: events of a bot's journal become rows, and the cursor moves, in one transaction. The same function serves a
-- direct connection and the API, so there is one mapping and one proof.
--
-- place_* are given the events of their kind, put them where they belong and return the numbers of those that found a place. An event that
-- repeats one already there, or names an order or executor never recorded, finds none. They raise on what is no such event:
-- a value missing, of another type, or outside a table's checks.

create type recovery.journal_event as (seq bigint, run_id uuid, body jsonb);

create domain recovery.moment as timestamptz
    constraint lies_in_1970_to_2099 check (value >= '1970-01-01 00:00+00' and value < '2100-01-01 00:00+00');
comment on domain recovery.moment is 'Beyond these bounds Postgres has times that clients cannot read back.';

create function recovery.at(p_ms text) returns timestamptz
language sql immutable as $$ select to_timestamp(p_ms::double precision / 1000)::recovery.moment $$;
comment on function recovery.at is 'UTC epoch milliseconds as a time.';

create function recovery.place_run_starts(p_journal_id text, p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.runs (run_id, journal_id, hummingbot, script, started_at, started_seq, opening_balances)
        select run_id, p_journal_id, body ->> 'hummingbot', body ->> 'script', recovery.at(body ->> 'at_ms'), seq, body -> 'balances'
        from unnest(p_events) order by seq
        on conflict do nothing
        returning started_seq
    )
    select array_agg(started_seq) from placed
$$;

create function recovery.place_run_stops(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with stops as (
        select distinct on (run_id) * from unnest(p_events) order by run_id, seq
    ), placed as (
        update public.runs run
        set stopped_at = recovery.at(body ->> 'at_ms'), stopped_seq = seq, closing_balances = body -> 'balances'
        from stops where run.run_id = stops.run_id and run.stopped_seq is null
        returning run.stopped_seq
    )
    select array_agg(stopped_seq) from placed
$$;

-- A signal is also a scan: its values are kept for as long as scans are, its decision for good.
create function recovery.place_signals(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.signals (
            run_id, signal_id, seq, at, controller_id, strategy, pair, side, candle_close, price, confidence, thresholds,
            feature_values, reason
        )
        select run_id, body ->> 'signal_id', seq, recovery.at(body ->> 'at_ms'), body ->> 'controller_id', body ->> 'strategy',
            body ->> 'pair', body ->> 'side', recovery.at(body ->> 'candle_close_ms'), (body ->> 'price')::numeric,
            (body ->> 'confidence')::double precision, body -> 'thresholds', body -> 'values', body ->> 'reason'
        from unnest(p_events) order by seq
        on conflict do nothing
        returning *
    ), scans as (
        insert into public.scan_history (
            run_id, seq, "timestamp", controller_id, strategy, symbol, side, decision, reason, price, confidence, thresholds,
            feature_values
        )
        select run_id, seq, at, controller_id, strategy, pair, side, case when taken then 'taken' else 'refused' end, reason,
            price, confidence, thresholds, feature_values
        from placed
    )
    select array_agg(seq) from placed
$$;

create function recovery.place_openings(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.positions (
            run_id, executor_id, opened_seq, opened_at, signal_id, controller_id, strategy, account, pair, side
        )
        select opened.run_id, body ->> 'executor_id', opened.seq, recovery.at(body ->> 'at_ms'), body ->> 'signal_id',
            body ->> 'controller_id', signal.strategy, body ->> 'account', body ->> 'pair', body ->> 'side'
        from unnest(p_events) opened
        left join public.signals signal on signal.run_id = opened.run_id and signal.signal_id = body ->> 'signal_id'
        order by opened.seq
        on conflict do nothing
        returning opened_seq
    )
    select array_agg(opened_seq) from placed
$$;

-- An order whose end is in the same batch is written once, with its end: that is every order but the newest when a sidecar
-- catches up. Returns the ends that found a place, too.
create function recovery.place_orders(p_events recovery.journal_event[], p_ends recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with lives as (
        select run_id, body ->> 'order_id' as order_id,
            (array_agg(event order by seq) filter (where body ->> 'kind' = 'order_submitted'))[1] as submitted,
            (array_agg(event order by seq) filter (where body ->> 'kind' = 'order_failed'))[1] as failed,
            (array_agg(event order by seq) filter (where body ->> 'kind' = 'order_cancelled'))[1] as cancelled,
            (array_agg(event order by seq) filter (where body ->> 'kind' = 'order_completed'))[1] as completed
        from unnest(p_events || p_ends) event group by 1, 2
    ), placed as (
        insert into public.orders (
            run_id, order_id, seq, submitted_at, executor_id, signal_id, account, pair, side, order_type, price, amount, closing,
            failed_at, failed_seq, failure_code, failure_message, cancelled_at, cancelled_seq, completed_at, completed_seq
        )
        select run_id, order_id, (submitted).seq, recovery.at((submitted).body ->> 'at_ms'), (submitted).body ->> 'executor_id',
            (submitted).body ->> 'signal_id', (submitted).body ->> 'account', (submitted).body ->> 'pair',
            (submitted).body ->> 'side', (submitted).body ->> 'order_type', ((submitted).body ->> 'price')::numeric,
            ((submitted).body ->> 'amount')::numeric, ((submitted).body ->> 'closing')::boolean,
            recovery.at((failed).body ->> 'at_ms'), (failed).seq, (failed).body ->> 'code', (failed).body ->> 'message',
            recovery.at((cancelled).body ->> 'at_ms'), (cancelled).seq, recovery.at((completed).body ->> 'at_ms'), (completed).seq
        from lives where (submitted).seq is not null order by (submitted).seq
        on conflict do nothing
        returning array[seq, failed_seq, cancelled_seq, completed_seq] as seqs
    )
    select array_agg(seq) from placed, unnest(seqs) seq where seq is not null
$$;

create function recovery.place_failures(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with failures as (
        select distinct on (run_id, body ->> 'order_id') * from unnest(p_events)
        where body ->> 'kind' = 'order_failed' order by run_id, body ->> 'order_id', seq
    ), placed as (
        update public.orders o
        set failed_at = recovery.at(body ->> 'at_ms'), failed_seq = failures.seq, failure_code = body ->> 'code',
            failure_message = body ->> 'message'
        from failures where o.run_id = failures.run_id and o.order_id = body ->> 'order_id' and o.failed_seq is null
        returning o.failed_seq
    )
    select array_agg(failed_seq) from placed
$$;

create function recovery.place_cancels(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with cancels as (
        select distinct on (run_id, body ->> 'order_id') * from unnest(p_events)
        where body ->> 'kind' = 'order_cancelled' order by run_id, body ->> 'order_id', seq
    ), placed as (
        update public.orders o set cancelled_at = recovery.at(body ->> 'at_ms'), cancelled_seq = cancels.seq
        from cancels where o.run_id = cancels.run_id and o.order_id = body ->> 'order_id' and o.cancelled_seq is null
        returning o.cancelled_seq
    )
    select array_agg(cancelled_seq) from placed
$$;

create function recovery.place_completions(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with completions as (
        select distinct on (run_id, body ->> 'order_id') * from unnest(p_events)
        where body ->> 'kind' = 'order_completed' order by run_id, body ->> 'order_id', seq
    ), placed as (
        update public.orders o set completed_at = recovery.at(body ->> 'at_ms'), completed_seq = completions.seq
        from completions where o.run_id = completions.run_id and o.order_id = body ->> 'order_id' and o.completed_seq is null
        returning o.completed_seq
    )
    select array_agg(completed_seq) from placed
$$;

create function recovery.place_fills(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.fills (
            run_id, order_id, trade_id, seq, at, executor_id, signal_id, pair, side, price, amount, fee_quote
        )
        select fill.run_id, body ->> 'order_id', body ->> 'trade_id', fill.seq, recovery.at(body ->> 'at_ms'), o.executor_id,
            body ->> 'signal_id', body ->> 'pair', body ->> 'side', (body ->> 'price')::numeric, (body ->> 'amount')::numeric,
            (body ->> 'fee_quote')::numeric
        from unnest(p_events) fill
        left join public.orders o on o.run_id = fill.run_id and o.order_id = body ->> 'order_id'
        order by fill.seq
        on conflict do nothing
        returning seq
    )
    select array_agg(seq) from placed
$$;

create function recovery.place_closings(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with closings as (
        select distinct on (run_id, body ->> 'executor_id') * from unnest(p_events)
        order by run_id, body ->> 'executor_id', seq
    ), placed as (
        update public.positions p
        set closed_at = recovery.at(body ->> 'at_ms'), closed_seq = closings.seq, close_type = body ->> 'close_type',
            reported_pnl_quote = (body ->> 'reported_pnl_quote')::numeric,
            reported_fees_quote = (body ->> 'reported_fees_quote')::numeric
        from closings where p.run_id = closings.run_id and p.executor_id = body ->> 'executor_id' and p.closed_seq is null
        returning p.closed_seq
    )
    select array_agg(closed_seq) from placed
$$;

create function recovery.place_config_refusals(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.config_history (run_id, seq, at, accepted, reason)
        select run_id, seq, recovery.at(body ->> 'at_ms'), false, body ->> 'reason'
        from unnest(p_events) order by seq
        on conflict do nothing
        returning seq
    )
    select array_agg(seq) from placed
$$;

-- Sums up, from their fills, the positions that these fills and closings touched, and the trades of those that are closed.
create function recovery.sum_positions(p_fills recovery.journal_event[], p_closings recovery.journal_event[]) returns void
language sql set search_path = '' as $$
    with touched as (
        select run_id, body ->> 'executor_id' as executor_id from unnest(p_closings)
        union
        select o.run_id, o.executor_id from unnest(p_fills) fill
        join public.orders o on o.run_id = fill.run_id and o.order_id = body ->> 'order_id'
    ), sums as (
        select p.run_id, p.executor_id, count(*) as fills,
            coalesce(sum(f.amount) filter (where f.side = p.side), 0) as entry_base,
            coalesce(sum(f.price * f.amount) filter (where f.side = p.side), 0) as entry_quote,
            sum(case f.side when 'BUY' then f.amount else -f.amount end) as net_base,
            sum(case f.side when 'SELL' then f.price * f.amount else -f.price * f.amount end - f.fee_quote) as net_quote,
            sum(f.fee_quote) as fees_quote
        from touched
        join public.positions p using (run_id, executor_id)
        join public.fills f using (run_id, executor_id)
        group by p.run_id, p.executor_id
    ), summed as (
        update public.positions p
        set fills = sums.fills, entry_base = sums.entry_base, entry_quote = sums.entry_quote, net_base = sums.net_base,
            net_quote = sums.net_quote, fees_quote = sums.fees_quote
        from sums where p.run_id = sums.run_id and p.executor_id = sums.executor_id
        returning p.*
    )
    insert into public.trades as trade (
        run_id, executor_id, signal_id, controller_id, strategy, account, pair, side, opened_at, closed_at, close_type, pnl_quote,
        fees_quote
    )
    select run_id, executor_id, signal_id, controller_id, strategy, account, pair, side, opened_at, closed_at, close_type,
        net_quote, fees_quote
    from summed where closed_at is not null
    on conflict (run_id, executor_id) do update set pnl_quote = excluded.pnl_quote, fees_quote = excluded.fees_quote
$$;

-- A batch by kind. `alien` is a kind that is none of ours.
create type recovery.parsed_batch as (
    alien           text,
    starts          recovery.journal_event[],
    signals         recovery.journal_event[],
    openings        recovery.journal_event[],
    orders          recovery.journal_event[],
    ends            recovery.journal_event[],
    fills           recovery.journal_event[],
    closings        recovery.journal_event[],
    config_refusals recovery.journal_event[],
    stops           recovery.journal_event[]
);

create function recovery.parse_events(p_seqs bigint[], p_run_ids text[], p_payloads text[]) returns recovery.parsed_batch
language sql stable set search_path = '' as $$
    select
        min(coalesce(kind, 'null')) filter (where (kind = any (array[
            'run_started', 'run_stopped', 'signal', 'executor_opened', 'order_submitted', 'order_failed', 'order_cancelled',
            'fill', 'order_completed', 'executor_closed', 'config_refused'
        ])) is not true),
        array_agg(event) filter (where kind = 'run_started'),
        array_agg(event) filter (where kind = 'signal'),
        array_agg(event) filter (where kind = 'executor_opened'),
        array_agg(event) filter (where kind = 'order_submitted'),
        array_agg(event) filter (where kind in ('order_failed', 'order_cancelled', 'order_completed')),
        array_agg(event) filter (where kind = 'fill'),
        array_agg(event) filter (where kind = 'executor_closed'),
        array_agg(event) filter (where kind = 'config_refused'),
        array_agg(event) filter (where kind = 'run_stopped')
    from (
        select body ->> 'kind' as kind, row(seq, run_id, body)::recovery.journal_event as event
        from (
            select seq, run_id::uuid, payload::jsonb as body from unnest(p_seqs, p_run_ids, p_payloads) as e (seq, run_id, payload)
            offset 0 -- parse each payload once
        ) parsed
    ) events
$$;

-- Places events, each kind in its turn.
create function recovery.place_events(p_journal_id text, p_batch recovery.parsed_batch) returns bigint[]
language plpgsql set search_path = '' as $$
declare
    v_placed bigint[] := '{}';
    v_ends   recovery.journal_event[] := p_batch.ends;
begin
    if p_batch.alien is not null then
        raise invalid_parameter_value using message = format('kind = %s: is no kind of event', p_batch.alien);
    end if;

    perform recovery.ensure_partition('scan_history', day) from (
        select distinct date_trunc('day', recovery.at(body ->> 'at_ms'), 'UTC') as day from unnest(p_batch.signals)
    ) days where day is not null;

    -- In the order of a signal's life, so that each finds in the same batch what it belongs to.
    v_placed := v_placed || recovery.place_run_starts(p_journal_id, p_batch.starts);
    v_placed := v_placed || recovery.place_signals(p_batch.signals);
    v_placed := v_placed || recovery.place_openings(p_batch.openings);
    v_placed := v_placed || recovery.place_orders(p_batch.orders, v_ends);
    v_ends := array(select end_of_order from unnest(v_ends) end_of_order where seq not in (select unnest(v_placed)));
    v_placed := v_placed || recovery.place_failures(v_ends);
    v_placed := v_placed || recovery.place_cancels(v_ends);
    v_placed := v_placed || recovery.place_completions(v_ends);
    v_placed := v_placed || recovery.place_fills(p_batch.fills);
    v_placed := v_placed || recovery.place_closings(p_batch.closings);
    v_placed := v_placed || recovery.place_config_refusals(p_batch.config_refusals);
    v_placed := v_placed || recovery.place_run_stops(p_batch.stops);
    perform recovery.sum_positions(p_batch.fills, p_batch.closings);
    return v_placed;
end
$$;

-- Places what can be placed. A batch that holds poison is halved until the poison is alone, and that becomes a dead letter.
create function recovery.place_or_bury(p_journal_id text, p_seqs bigint[], p_run_ids text[], p_payloads text[]) returns bigint[]
language plpgsql set search_path = '' as $$
declare
    v_count integer := cardinality(p_seqs);
    v_half  integer := v_count / 2;
begin
    return recovery.place_events(p_journal_id, recovery.parse_events(p_seqs, p_run_ids, p_payloads));
-- The last are values too large for an index, or nested too deep.
exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
    if v_count = 1 then
        insert into public.dead_letters (journal_id, seq, run_id, payload, reason)
        values (p_journal_id, p_seqs[1], p_run_ids[1], p_payloads[1], sqlerrm);
        return p_seqs;
    end if;
    return recovery.place_or_bury(p_journal_id, p_seqs[:v_half], p_run_ids[:v_half], p_payloads[:v_half])
        || recovery.place_or_bury(p_journal_id, p_seqs[v_half + 1:], p_run_ids[v_half + 1:], p_payloads[v_half + 1:]);
end
$$;

-- Ships a batch: events of one journal, ascending, the first after p_after. Where the cursor is not at p_after nothing is done
-- (an acknowledgement was lost, or another sidecar was here), and the answer says where to go on.
create function public.ship_journal(
    p_journal_id text, p_bot text, p_after bigint, p_seqs bigint[], p_run_ids text[], p_payloads text[],
    out last_seq bigint, out shipped bigint, out dead bigint
) language plpgsql set search_path = '' as $$
declare
    v_batch  recovery.parsed_batch;
    v_placed bigint[];
    v_dead   bigint;
begin
    if cardinality(p_seqs) <> cardinality(p_run_ids) or cardinality(p_seqs) <> cardinality(p_payloads) then
        raise invalid_parameter_value using message = 'a batch has as many numbers as runs and payloads';
    end if;
    -- Before the lock, so that a batch is parsed while the one before it, on another connection, is placed.
    begin
        v_batch := recovery.parse_events(p_seqs, p_run_ids, p_payloads);
    exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
        v_batch.alien := 'unreadable';
    end;
    insert into public.journal_cursor as c (journal_id, bot) values (p_journal_id, p_bot) on conflict do nothing;
    select c.last_seq, c.dead into last_seq, v_dead from public.journal_cursor c where c.journal_id = p_journal_id for update;
    shipped := 0;
    dead := 0;
    if last_seq <> p_after or cardinality(p_seqs) = 0 then
        return;
    end if;
    if p_seqs[1] <= p_after or exists (
        select from (select seq, lag(seq) over (order by place) as before from unnest(p_seqs) with ordinality as s (seq, place)) s
        where seq <= before
    ) then
        raise invalid_parameter_value using message = format('a batch ascends from its cursor, %s', p_after);
    end if;

    begin
        v_placed := recovery.place_events(p_journal_id, v_batch);
    exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
        v_placed := recovery.place_or_bury(p_journal_id, p_seqs, p_run_ids, p_payloads);
    end;
    if cardinality(v_placed) < cardinality(p_seqs) then
        insert into public.dead_letters (journal_id, seq, run_id, payload, reason)
        select p_journal_id, seq, run_id, payload,
            'repeats an event that is stored, or names an order, executor or run that never was recorded'
        from unnest(p_seqs, p_run_ids, p_payloads) as e (seq, run_id, payload)
        where seq not in (select unnest(v_placed));
    end if;

    select count(*) into dead from public.dead_letters d where d.journal_id = p_journal_id and d.seq > p_after;
    shipped := cardinality(p_seqs) - dead;
    last_seq := p_seqs[cardinality(p_seqs)];
    update public.journal_cursor c
    set last_seq = ship_journal.last_seq, events = c.events + cardinality(p_seqs), dead = v_dead + ship_journal.dead, bot = p_bot,
        shipped_at = clock_timestamp()
    where c.journal_id = p_journal_id;
end
$$;
revoke all on function public.ship_journal from public, anon, authenticated;
revoke all on all functions in schema recovery from public, anon, authenticated;
grant execute on all functions in schema recovery to service_role;
grant execute on function public.ship_journal to service_role;
