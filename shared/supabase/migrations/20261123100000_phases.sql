-- Phases: which phase and configuration a signal belongs to, what a position was opened with, why it was closed, which
-- configurations took effect, how many candles were looked at, and when the home went to another phase.
--
-- Journals from before ship as ever: what their events do not have is empty or null.

-- Tables of these names from before are the legacy system's: they move aside, as those of the first migration did.
do $$
declare
    relation text;
begin
    foreach relation in array array['exits', 'evaluations'] loop
        if exists (
            select from pg_class c where c.relnamespace = 'public'::regnamespace and c.relname = relation and c.relkind in ('r', 'p')
        ) then
            create schema if not exists legacy;
            execute format('alter table public.%I set schema legacy', relation);
            raise notice 'table % of the legacy system moved to schema legacy', relation;
        end if;
    end loop;
end
$$;

-- What is known of runs, signals and positions besides ------------------------------------------------------------------

alter table public.runs add column market text not null default '';
comment on column public.runs.market is '"live", or the replay or simulation with its seed; empty where that was not recorded.';

alter table public.signals
    add column components  jsonb not null default '{}' check (jsonb_typeof(components) = 'object'),
    add column adjustments jsonb not null default '{}' check (jsonb_typeof(adjustments) = 'object'),
    add column phase       smallint check (phase between 0 and 4),
    add column config_id   text;
comment on column public.signals.components is 'What the confidence is made of, each 0 to 1, by name.';
comment on column public.signals.adjustments is 'What sizing had to change, by name of the setting, with the reason.';
comment on column public.signals.phase is 'Phase its configuration belongs to; null for normal operation.';
comment on column public.signals.config_id is 'Fingerprint of the configuration it was decided by, as in config_history.';

alter table public.positions add column terms jsonb check (jsonb_typeof(terms) = 'object');
comment on column public.positions.terms is 'Ladder and barriers it ends under, money as text; null where they were not recorded.';

-- Steps that are new ------------------------------------------------------------------------------------------------------

create table public.exits (
    run_id         uuid        not null,
    seq            bigint      not null,
    at             timestamptz not null,
    executor_id    text        not null,
    signal_id      text,
    cause          text        not null,
    barrier_price  numeric check (barrier_price > 0 and barrier_price < 'infinity'),
    best_price     numeric check (best_price > 0 and best_price < 'infinity'),
    expected_price numeric check (expected_price > 0 and expected_price < 'infinity'),
    tick           numeric     not null check (tick > 0 and tick < 'infinity'),
    untouched_at   timestamptz,
    primary key (run_id, executor_id, seq)
);
comment on table public.exits is 'Decisions to close a position at market; of several for one executor the first counts.';
comment on column public.exits.barrier_price is 'Null for a cause that is no price.';
comment on column public.exits.best_price is 'Best price on the closing side at that moment; null where the book had none.';
comment on column public.exits.expected_price is 'What the book would have brought on average, by the fill model; likewise.';
comment on column public.exits.tick is 'The venue''s price step.';
comment on column public.exits.untouched_at is 'When the barrier was last seen untouched; null for a first look or no barrier.';

alter table public.config_history
    add column controller_id text,
    add column strategy      text,
    add column pair          text,
    add column phase         smallint check (phase between 0 and 4),
    add column config_id     text,
    add column source        text,
    add column old_values    jsonb check (jsonb_typeof(old_values) = 'object'),
    add column new_values    jsonb check (jsonb_typeof(new_values) = 'object'),
    add constraint what_was_accepted_is_told check (
        num_nonnulls(controller_id, strategy, pair, config_id, source, old_values, new_values) = case when accepted then 7 else 0 end
        and (accepted or phase is null)
    );
comment on table public.config_history is 'Configurations that took effect, and edits that were refused while a bot ran.';
comment on column public.config_history.config_id is 'Fingerprint of all that a trade''s outcome depends on.';
comment on column public.config_history.source is '"start", or the edited file.';
comment on column public.config_history.old_values is 'What changed, by name; empty at a start, where new_values has all.';

create table public.evaluations (
    run_id        uuid        not null,
    seq           bigint      not null,
    at            timestamptz not null,
    controller_id text        not null,
    strategy      text        not null,
    pair          text        not null,
    phase         smallint check (phase between 0 and 4),
    config_id     text        not null,
    since         timestamptz not null,
    until         timestamptz not null,
    evaluated     bigint      not null check (evaluated >= 0),
    unevaluated   bigint      not null check (unevaluated >= 0),
    primary key (run_id, seq),
    constraint time_goes_forward check (since <= until)
);
comment on table public.evaluations is 'Candles that rules looked at: the mouth of the funnel. Counts, so each stands for many candles.';
comment on column public.evaluations.since is 'Close of the first candle of the count; until: of the last.';
comment on column public.evaluations.unevaluated is 'Candles that closed and could not be looked at.';

alter table public.phase_history
    add column run_id uuid,
    add column seq    bigint,
    add constraint a_number_has_its_journal check (num_nonnulls(run_id, seq) in (0, 2)),
    add constraint evidence_is_by_name check (jsonb_typeof(evidence) = 'object'),
    add constraint a_change_is_there_once unique (run_id, seq);
comment on table public.phase_history is 'Changes of phase, shipped from the journal as all that happens.';
comment on column public.phase_history.run_id is 'An id of its own: a change of phase belongs to no bot''s run.';

do $$
declare
    relation regclass;
begin
    foreach relation in array array['public.exits', 'public.evaluations']::regclass[] loop
        execute format('alter table %s enable row level security', relation);
        execute format('revoke all on table %s from public, anon, authenticated', relation);
        execute format('grant select, insert, update, delete on table %s to service_role', relation);
    end loop;
end
$$;

-- Placing them --------------------------------------------------------------------------------------------------------------
-- A field that older journals lack gets its default. Where it is there and null, that is no such event, unless null is a value.

create or replace function recovery.place_run_starts(p_journal_id text, p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.runs (run_id, journal_id, hummingbot, script, started_at, started_seq, opening_balances, market)
        select run_id, p_journal_id, body ->> 'hummingbot', body ->> 'script', recovery.at(body ->> 'at_ms'), seq, body -> 'balances',
            coalesce(body -> 'market', '""') #>> '{}'
        from unnest(p_events) order by seq
        on conflict do nothing
        returning started_seq
    )
    select array_agg(started_seq) from placed
$$;

-- A signal is also a scan: as such it is kept for as long as scans are, here for good with all it was decided on.
create or replace function recovery.place_signals(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.signals (
            run_id, signal_id, seq, at, controller_id, strategy, pair, side, candle_close, price, confidence, thresholds,
            feature_values, reason, components, adjustments, phase, config_id
        )
        select run_id, body ->> 'signal_id', seq, recovery.at(body ->> 'at_ms'), body ->> 'controller_id', body ->> 'strategy',
            body ->> 'pair', body ->> 'side', recovery.at(body ->> 'candle_close_ms'), (body ->> 'price')::numeric,
            (body ->> 'confidence')::double precision, body -> 'thresholds', body -> 'values', body ->> 'reason',
            coalesce(body -> 'components', '{}'), coalesce(body -> 'adjustments', '{}'), (body ->> 'phase')::smallint,
            body ->> 'config_id'
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

create or replace function recovery.place_openings(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.positions (
            run_id, executor_id, opened_seq, opened_at, signal_id, controller_id, strategy, account, pair, side, terms
        )
        select opened.run_id, body ->> 'executor_id', opened.seq, recovery.at(body ->> 'at_ms'), body ->> 'signal_id',
            body ->> 'controller_id', signal.strategy, body ->> 'account', body ->> 'pair', body ->> 'side',
            nullif(body -> 'terms', 'null')
        from unnest(p_events) opened
        left join public.signals signal on signal.run_id = opened.run_id and signal.signal_id = body ->> 'signal_id'
        order by opened.seq
        on conflict do nothing
        returning opened_seq
    )
    select array_agg(opened_seq) from placed
$$;

create function recovery.place_exits(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.exits (
            run_id, seq, at, executor_id, signal_id, cause, barrier_price, best_price, expected_price, tick, untouched_at
        )
        select run_id, seq, recovery.at(body ->> 'at_ms'), body ->> 'executor_id', body ->> 'signal_id', body ->> 'cause',
            (body ->> 'barrier_price')::numeric, (body ->> 'best_price')::numeric, (body ->> 'expected_price')::numeric,
            (body ->> 'tick')::numeric, recovery.at(body ->> 'untouched_at_ms')
        from unnest(p_events) order by seq
        on conflict do nothing
        returning seq
    )
    select array_agg(seq) from placed
$$;

create function recovery.place_configs(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.config_history (
            run_id, seq, at, accepted, controller_id, strategy, pair, phase, config_id, source, old_values, new_values
        )
        select run_id, seq, recovery.at(body ->> 'at_ms'), true, body ->> 'controller_id', body ->> 'strategy', body ->> 'pair',
            (body ->> 'phase')::smallint, body ->> 'config_id', body ->> 'source', body -> 'old', body -> 'new'
        from unnest(p_events) order by seq
        on conflict do nothing
        returning seq
    )
    select array_agg(seq) from placed
$$;

create function recovery.place_evaluations(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.evaluations (
            run_id, seq, at, controller_id, strategy, pair, phase, config_id, since, until, evaluated, unevaluated
        )
        select run_id, seq, recovery.at(body ->> 'at_ms'), body ->> 'controller_id', body ->> 'strategy', body ->> 'pair',
            (body ->> 'phase')::smallint, body ->> 'config_id', recovery.at(body ->> 'since_ms'), recovery.at(body ->> 'until_ms'),
            (body ->> 'evaluated')::bigint, (body ->> 'unevaluated')::bigint
        from unnest(p_events) order by seq
        on conflict do nothing
        returning seq
    )
    select array_agg(seq) from placed
$$;

create function recovery.place_phase_changes(p_events recovery.journal_event[]) returns bigint[]
language sql set search_path = '' as $$
    with placed as (
        insert into public.phase_history (run_id, seq, at, from_phase, to_phase, forced, reason, evidence)
        select run_id, seq, recovery.at(body ->> 'at_ms'), (body ->> 'from_phase')::smallint, (body ->> 'to_phase')::smallint,
            (body ->> 'forced')::boolean, body ->> 'reason', body -> 'evidence'
        from unnest(p_events) order by seq
        on conflict do nothing
        returning seq
    )
    select array_agg(seq) from placed
$$;

alter type recovery.parsed_batch
    add attribute exits recovery.journal_event[],
    add attribute configs recovery.journal_event[],
    add attribute evaluations recovery.journal_event[],
    add attribute phase_changes recovery.journal_event[];

-- Without a SET of its own, so that it is a constant where it is called.
create function recovery.event_kinds() returns text[]
language sql immutable as $$
    select array[
        'run_started', 'run_stopped', 'signal', 'executor_opened', 'order_submitted', 'order_failed', 'order_cancelled', 'fill',
        'order_completed', 'exit_decided', 'executor_closed', 'config_applied', 'config_refused', 'candles_evaluated',
        'phase_changed'
    ]
$$;

create or replace function recovery.parse_events(p_seqs bigint[], p_run_ids text[], p_payloads text[]) returns recovery.parsed_batch
language sql stable set search_path = '' as $$
    select
        min(coalesce(kind, 'null')) filter (where (kind = any (recovery.event_kinds())) is not true),
        array_agg(event) filter (where kind = 'run_started'),
        array_agg(event) filter (where kind = 'signal'),
        array_agg(event) filter (where kind = 'executor_opened'),
        array_agg(event) filter (where kind = 'order_submitted'),
        array_agg(event) filter (where kind in ('order_failed', 'order_cancelled', 'order_completed')),
        array_agg(event) filter (where kind = 'fill'),
        array_agg(event) filter (where kind = 'executor_closed'),
        array_agg(event) filter (where kind = 'config_refused'),
        array_agg(event) filter (where kind = 'run_stopped'),
        array_agg(event) filter (where kind = 'exit_decided'),
        array_agg(event) filter (where kind = 'config_applied'),
        array_agg(event) filter (where kind = 'candles_evaluated'),
        array_agg(event) filter (where kind = 'phase_changed')
    from (
        select body ->> 'kind' as kind, row(seq, run_id, body)::recovery.journal_event as event
        from (
            select seq, run_id::uuid, payload::jsonb as body from unnest(p_seqs, p_run_ids, p_payloads) as e (seq, run_id, payload)
            offset 0 -- parse each payload once
        ) parsed
    ) events
$$;

create or replace function recovery.place_events(p_journal_id text, p_batch recovery.parsed_batch) returns bigint[]
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
    v_placed := v_placed || recovery.place_phase_changes(p_batch.phase_changes);
    v_placed := v_placed || recovery.place_run_starts(p_journal_id, p_batch.starts);
    v_placed := v_placed || recovery.place_configs(p_batch.configs);
    v_placed := v_placed || recovery.place_evaluations(p_batch.evaluations);
    v_placed := v_placed || recovery.place_signals(p_batch.signals);
    v_placed := v_placed || recovery.place_openings(p_batch.openings);
    v_placed := v_placed || recovery.place_orders(p_batch.orders, v_ends);
    v_ends := array(select end_of_order from unnest(v_ends) end_of_order where seq not in (select unnest(v_placed)));
    v_placed := v_placed || recovery.place_failures(v_ends);
    v_placed := v_placed || recovery.place_cancels(v_ends);
    v_placed := v_placed || recovery.place_completions(v_ends);
    v_placed := v_placed || recovery.place_fills(p_batch.fills);
    v_placed := v_placed || recovery.place_exits(p_batch.exits);
    v_placed := v_placed || recovery.place_closings(p_batch.closings);
    v_placed := v_placed || recovery.place_config_refusals(p_batch.config_refusals);
    v_placed := v_placed || recovery.place_run_stops(p_batch.stops);
    perform recovery.sum_positions(p_batch.fills, p_batch.closings);
    return v_placed;
end
$$;

-- The same, for a sender that says how many kinds of events it knows. A schema that knows fewer would bury the others as dead
-- letters, for good: it answers as one that lacks the function does, and what waits is shipped once it is migrated.
create function public.ship_journal(
    p_journal_id text, p_bot text, p_after bigint, p_seqs bigint[], p_run_ids text[], p_payloads text[], p_kinds integer,
    out last_seq bigint, out shipped bigint, out dead bigint
) language plpgsql set search_path = '' as $$
declare
    v_known integer := cardinality(recovery.event_kinds());
begin
    if p_kinds > v_known then
        raise undefined_function using message = format('%s kinds of events are sent, the store knows %s', p_kinds, v_known);
    end if;
    select answer.* into last_seq, shipped, dead
    from public.ship_journal(p_journal_id, p_bot, p_after, p_seqs, p_run_ids, p_payloads) answer;
end
$$;

revoke all on function
    recovery.place_exits, recovery.place_configs, recovery.place_evaluations, recovery.place_phase_changes, recovery.event_kinds,
    public.ship_journal(text, text, bigint, bigint[], text[], text[], integer)
from public, anon, authenticated;
grant execute on function
    recovery.place_exits, recovery.place_configs, recovery.place_evaluations, recovery.place_phase_changes, recovery.event_kinds,
    public.ship_journal(text, text, bigint, bigint[], text[], text[], integer)
to service_role;
