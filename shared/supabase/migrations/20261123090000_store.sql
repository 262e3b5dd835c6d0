-- The store: what the sidecar keeps of candles, signals, orders, fills and positions, and of its own work.
--
-- Every time is a timestamptz, money and amounts are numeric. Rows of the journal carry `seq`, the number of the event
-- they come from, so that one query can show every event to be stored exactly once. There are no foreign keys between
-- them: the journal is the truth, and an event whose relative was refused must not be lost for it.

create schema if not exists recovery;
create schema if not exists archive;
comment on schema recovery is 'Functions and records of the store itself; not exposed by the API.';
comment on schema archive is 'Partitions that have left the live tables and are not exported yet.';

-- Tables of these names from before are the legacy system's: they move aside, whole, for `recovery storage adopt`.
do $$
declare
    relation text;
begin
    foreach relation in array array[
        'runs', 'ohlc_data', 'scan_history', 'scan_daily', 'signals', 'orders', 'fills', 'trades', 'positions', 'ml_features',
        'scores', 'journal_cursor', 'dead_letters', 'service_heartbeat', 'phase_history', 'config_history', 'retention_runs',
        'archive_manifest', 'storage_samples'
    ] loop
        if exists (
            select from pg_class c where c.relnamespace = 'public'::regnamespace and c.relname = relation and c.relkind in ('r', 'p')
        ) then
            create schema if not exists legacy;
            execute format('alter table public.%I set schema legacy', relation);
            raise notice 'table % of the legacy system moved to schema legacy; recovery storage adopt brings its rows over', relation;
        end if;
    end loop;
end
$$;

-- Candles ------------------------------------------------------------------------------------------------------------

create table public.ohlc_data (
    symbol         text        not null,
    timeframe      text        not null check (timeframe in ('1m', '15m', '1h')),
    "timestamp"    timestamptz not null,
    open           numeric     not null,
    high           numeric     not null,
    low            numeric     not null,
    close          numeric     not null,
    volume         numeric     not null,
    source         text        not null check (source <> ''),
    quote_currency text        not null check (quote_currency <> ''),
    primary key (symbol, timeframe, "timestamp"),
    constraint a_candle_contains_its_prices check (
        low > 0 and low <= open and low <= close and open <= high and close <= high and high < 'infinity'
    ),
    constraint volume_is_an_amount check (volume >= 0 and volume < 'infinity')
) partition by list (timeframe);
comment on column public.ohlc_data."timestamp" is 'OPEN of the candle.';
comment on column public.ohlc_data.volume is 'In base.';

create table public.ohlc_data_1m partition of public.ohlc_data for values in ('1m') partition by range ("timestamp");
create table public.ohlc_data_15m partition of public.ohlc_data for values in ('15m') partition by range ("timestamp");
create table public.ohlc_data_1h partition of public.ohlc_data for values in ('1h') partition by range ("timestamp");

create table archive.ohlc_data (like public.ohlc_data including all) partition by list (timeframe);
create table archive.ohlc_data_1m partition of archive.ohlc_data for values in ('1m') partition by range ("timestamp");
create table archive.ohlc_data_15m partition of archive.ohlc_data for values in ('15m') partition by range ("timestamp");
create table archive.ohlc_data_1h partition of archive.ohlc_data for values in ('1h') partition by range ("timestamp");

-- What strategies saw ------------------------------------------------------------------------------------------------

create table public.scan_history (
    run_id         uuid             not null,
    seq            bigint           not null,
    "timestamp"    timestamptz      not null,
    controller_id  text             not null,
    strategy       text             not null,
    symbol         text             not null,
    side           text             not null check (side in ('BUY', 'SELL')),
    decision       text             not null check (decision in ('taken', 'refused', 'no_signal')),
    reason         text,
    price          numeric          not null check (price > 0 and price < 'infinity'),
    confidence     double precision not null check (confidence between 0 and 1),
    thresholds     jsonb            not null,
    feature_values jsonb            not null,
    primary key (run_id, seq, "timestamp"),
    constraint a_refusal_has_a_reason check (decision <> 'refused' or reason is not null)
) partition by range ("timestamp");
comment on table public.scan_history is 'Every evaluation of interest, as it was decided.';

create table public.scan_daily (
    day             date             not null,
    strategy        text             not null,
    symbol          text             not null,
    side            text             not null check (side in ('BUY', 'SELL')),
    decision        text             not null check (decision in ('taken', 'refused', 'no_signal')),
    reason          text             not null default '',
    scans           bigint           not null check (scans > 0),
    confidence_sum  double precision not null,
    confidence_best double precision not null check (confidence_best between 0 and 1),
    primary key (day, strategy, symbol, side, decision, reason)
);
comment on table public.scan_daily is 'What is left of scan_history once its rows are gone. A reason of '''' is none.';

create table public.ml_features (
    symbol         text        not null,
    timeframe      text        not null check (timeframe in ('1m', '15m', '1h')),
    "timestamp"    timestamptz not null,
    feature_set    text        not null check (feature_set <> ''),
    feature_values jsonb       not null,
    primary key (symbol, timeframe, "timestamp", feature_set)
) partition by range ("timestamp");

-- Neither is archived on its way out, but a period brought back from a file has its place here.
create table archive.scan_history (like public.scan_history including all) partition by range ("timestamp");
create table archive.ml_features (like public.ml_features including all) partition by range ("timestamp");

create table public.scores (
    run_id        uuid             not null,
    signal_id     text             not null,
    model         text             not null,
    model_version text             not null,
    at            timestamptz      not null,
    score         double precision not null check (score between 0 and 1),
    latency_ms    double precision not null check (latency_ms >= 0),
    primary key (run_id, signal_id, model, model_version)
);

-- What the bot did: shipped from its journal --------------------------------------------------------------------------

create table public.runs (
    run_id           uuid primary key,
    journal_id       text        not null,
    hummingbot       text        not null,
    script           text        not null,
    started_at       timestamptz not null,
    started_seq      bigint      not null,
    opening_balances jsonb       not null check (jsonb_typeof(opening_balances) = 'object'),
    stopped_at       timestamptz,
    stopped_seq      bigint,
    closing_balances jsonb check (jsonb_typeof(closing_balances) = 'object'),
    constraint an_end_is_whole check (num_nonnulls(stopped_at, stopped_seq, closing_balances) in (0, 3))
);

create table public.signals (
    run_id         uuid             not null,
    signal_id      text             not null,
    seq            bigint           not null,
    at             timestamptz      not null,
    controller_id  text             not null,
    strategy       text             not null,
    pair           text             not null,
    side           text             not null check (side in ('BUY', 'SELL')),
    candle_close   timestamptz      not null,
    price          numeric          not null check (price > 0 and price < 'infinity'),
    confidence     double precision not null check (confidence between 0 and 1),
    thresholds     jsonb            not null check (jsonb_typeof(thresholds) = 'object'),
    feature_values jsonb            not null check (jsonb_typeof(feature_values) = 'object'),
    reason         text check (reason ~ '^[a-z][a-z0-9_]*$'),
    taken          boolean generated always as (reason is null) stored,
    primary key (run_id, signal_id)
);
create index signals_by_time on public.signals (at);
comment on column public.signals.reason is 'Why it was refused; null when it was taken.';

create table public.orders (
    run_id          uuid        not null,
    order_id        text        not null,
    seq             bigint      not null,
    submitted_at    timestamptz not null,
    executor_id     text        not null,
    signal_id       text,
    account         text        not null,
    pair            text        not null,
    side            text        not null check (side in ('BUY', 'SELL')),
    order_type      text        not null check (order_type in ('MARKET', 'LIMIT', 'LIMIT_MAKER')),
    price           numeric check (price > 0 and price < 'infinity'),
    amount          numeric     not null check (amount > 0 and amount < 'infinity'),
    closing         boolean     not null,
    failed_at       timestamptz,
    failed_seq      bigint,
    failure_code    text,
    failure_message text,
    cancelled_at    timestamptz,
    cancelled_seq   bigint,
    completed_at    timestamptz,
    completed_seq   bigint,
    state           text generated always as (
        case
            when failed_seq is not null then 'failed'
            when completed_seq is not null then 'completed'
            when cancelled_seq is not null then 'cancelled'
            else 'open'
        end
    ) stored,
    primary key (run_id, order_id),
    constraint a_failure_is_whole check (num_nonnulls(failed_at, failed_seq, failure_code, failure_message) in (0, 4)),
    constraint a_cancel_is_whole check (num_nonnulls(cancelled_at, cancelled_seq) in (0, 2)),
    constraint a_completion_is_whole check (num_nonnulls(completed_at, completed_seq) in (0, 2))
) with (fillfactor = 60); -- its end is written into the row: room on the page keeps the indexes out of it

create table public.fills (
    run_id      uuid        not null,
    order_id    text        not null,
    trade_id    text        not null,
    seq         bigint      not null,
    at          timestamptz not null,
    executor_id text,
    signal_id   text,
    pair        text        not null,
    side        text        not null check (side in ('BUY', 'SELL')),
    price       numeric     not null check (price > 0 and price < 'infinity'),
    amount      numeric     not null check (amount > 0 and amount < 'infinity'),
    fee_quote   numeric     not null check (abs(fee_quote) < 'infinity'),
    primary key (run_id, order_id, trade_id)
);
create index fills_by_executor on public.fills (run_id, executor_id) where executor_id is not null;
comment on column public.fills.executor_id is 'Null where no such order was ever submitted.';

create table public.positions (
    run_id              uuid        not null,
    executor_id         text        not null,
    opened_seq          bigint      not null,
    opened_at           timestamptz not null,
    signal_id           text,
    controller_id       text        not null,
    strategy            text,
    account             text        not null,
    pair                text        not null,
    side                text        not null check (side in ('BUY', 'SELL')),
    fills               integer     not null default 0,
    entry_base          numeric     not null default 0,
    entry_quote         numeric     not null default 0,
    net_base            numeric     not null default 0,
    net_quote           numeric     not null default 0,
    fees_quote          numeric     not null default 0,
    closed_seq          bigint,
    closed_at           timestamptz,
    close_type          text,
    reported_pnl_quote  numeric check (abs(reported_pnl_quote) < 'infinity'),
    reported_fees_quote numeric check (abs(reported_fees_quote) < 'infinity'),
    primary key (run_id, executor_id),
    constraint a_close_is_whole check (
        num_nonnulls(closed_at, closed_seq, close_type, reported_pnl_quote, reported_fees_quote) in (0, 5)
    )
) with (fillfactor = 60);
create index open_positions on public.positions (opened_at, run_id, executor_id) where closed_at is null;
comment on table public.positions is 'One row an executor, its amounts summed from its fills.';
comment on column public.positions.entry_base is 'Base filled on the side it was opened on.';
comment on column public.positions.entry_quote is 'Quote that base cost or brought, before fees.';
comment on column public.positions.net_base is 'Base bought minus base sold; 0 once it is flat.';
comment on column public.positions.net_quote is 'Quote received minus quote paid, after fees: the PnL once it is flat.';

create table public.trades (
    run_id        uuid        not null,
    executor_id   text        not null,
    signal_id     text,
    controller_id text        not null,
    strategy      text,
    account       text        not null,
    pair          text        not null,
    side          text        not null check (side in ('BUY', 'SELL')),
    opened_at     timestamptz not null,
    closed_at     timestamptz not null,
    close_type    text        not null,
    pnl_quote     numeric     not null,
    fees_quote    numeric     not null,
    primary key (run_id, executor_id)
);
create index trades_by_time on public.trades (closed_at, strategy) include (pnl_quote, fees_quote);
comment on table public.trades is 'Closed positions that had fills: PnL after fees, from the fills alone.';

create table public.config_history (
    run_id   uuid        not null,
    seq      bigint      not null,
    at       timestamptz not null,
    accepted boolean     not null,
    reason   text,
    primary key (run_id, seq),
    constraint a_refusal_has_a_reason check (accepted or reason is not null)
);
comment on table public.config_history is 'Edits of a configuration while a bot ran.';

-- How shipping goes ----------------------------------------------------------------------------------------------------

create table public.journal_cursor (
    journal_id text primary key,
    bot        text        not null,
    last_seq   bigint      not null default 0 check (last_seq >= 0),
    events     bigint      not null default 0 check (events >= 0),
    dead       bigint      not null default 0 check (dead between 0 and events),
    shipped_at timestamptz not null default now()
);
comment on column public.journal_cursor.journal_id is 'Id of the first run in the journal: a journal that was replaced is another one.';

create table public.dead_letters (
    journal_id text        not null,
    seq        bigint      not null,
    run_id     text        not null,
    payload    text        not null,
    reason     text        not null,
    at         timestamptz not null default now(),
    primary key (journal_id, seq)
);
comment on table public.dead_letters is 'Events of a journal that have no place in the tables, with the reason.';

-- The sidecar''s own records ---------------------------------------------------------------------------------------------

create table public.service_heartbeat (
    home       text        not null,
    service    text        not null,
    started_at timestamptz not null,
    beat_at    timestamptz not null,
    state      text        not null check (state in ('starting', 'running', 'waiting', 'degraded', 'stopped')),
    detail     jsonb       not null default '{}',
    primary key (home, service)
);

create table public.phase_history (
    id         bigint generated always as identity primary key,
    at         timestamptz not null default now(),
    from_phase smallint check (from_phase between 0 and 4),
    to_phase   smallint    not null check (to_phase between 0 and 4),
    forced     boolean     not null default false,
    reason     text        not null,
    evidence   jsonb       not null default '{}'
);

create table public.retention_runs (
    id                    bigint generated always as identity primary key,
    kind                  text        not null check (kind in ('enforce', 'emergency', 'adopt', 'restore')),
    started_at            timestamptz not null default clock_timestamp(),
    finished_at           timestamptz,
    state                 text        not null default 'running' check (state in ('running', 'done', 'failed', 'died')),
    rows_moved            bigint      not null default 0 check (rows_moved >= 0),
    rows_dropped          bigint      not null default 0 check (rows_dropped >= 0),
    bytes_freed           bigint      not null default 0,
    wal_bytes             bigint      not null default 0 check (wal_bytes >= 0),
    database_bytes_before bigint,
    database_bytes_after  bigint,
    query_p50_ms_before   double precision,
    query_p50_ms_after    double precision,
    detail                jsonb       not null default '{}',
    error                 text
);

create table public.archive_manifest (
    id             bigint generated always as identity primary key,
    dataset        text        not null check (dataset in ('ohlc_1m', 'ohlc_15m', 'ohlc_1h', 'ml_features', 'scan_history')),
    partition_name text        not null,
    period_start   timestamptz not null,
    period_end     timestamptz not null,
    file           text        not null unique,
    rows           bigint      not null check (rows >= 0),
    rows_checksum  numeric     not null,
    file_bytes     bigint      not null check (file_bytes > 0),
    file_sha256    text        not null check (file_sha256 ~ '^[0-9a-f]{64}$'),
    exported_at    timestamptz not null default clock_timestamp(),
    verified_at    timestamptz,
    dropped_at     timestamptz,
    restored_at    timestamptz,
    held_until     timestamptz,
    constraint a_period_has_a_length check (period_start < period_end),
    constraint nothing_is_dropped_unverified check (dropped_at is null or verified_at is not null)
);
create index archive_manifest_by_period on public.archive_manifest (dataset, period_start);
comment on column public.archive_manifest.file is 'Relative to the archive folder.';
comment on column public.archive_manifest.rows_checksum is 'recovery.rows_checksum of the rows in the file.';
comment on column public.archive_manifest.held_until is 'A restored period stays at least this long.';

create table public.storage_samples (
    at             timestamptz primary key default clock_timestamp(),
    database_bytes bigint not null check (database_bytes >= 0),
    relation_bytes jsonb  not null
);
comment on table public.storage_samples is 'Sizes once a day, from which growth is measured.';

-- Who may do what: the service key everything, the anonymous key nothing -----------------------------------------------

grant usage on schema archive to service_role;
revoke all on schema recovery, archive from public, anon, authenticated;

do $$
declare
    relation regclass;
begin
    for relation in
        select c.oid from pg_class c
        where c.relnamespace in ('public'::regnamespace, 'archive'::regnamespace) and c.relkind in ('r', 'p')
            and c.relname in (
                'runs', 'ohlc_data', 'ohlc_data_1m', 'ohlc_data_15m', 'ohlc_data_1h', 'scan_history', 'scan_daily', 'signals',
                'orders', 'fills', 'trades', 'positions', 'ml_features', 'scores', 'journal_cursor', 'dead_letters',
                'service_heartbeat', 'phase_history', 'config_history', 'retention_runs', 'archive_manifest', 'storage_samples'
            )
    loop
        execute format('alter table %s enable row level security', relation);
        execute format('revoke all on table %s from public, anon, authenticated', relation);
        execute format('grant select, insert, update, delete on table %s to service_role', relation);
    end loop;
    -- Those of the identity columns: Supabase grants what is new in public to everyone.
    for relation in
        select sequence.oid from pg_depend owned
        join pg_class sequence on sequence.oid = owned.objid and sequence.relkind = 'S'
        join pg_class owner on owner.oid = owned.refobjid and owner.relnamespace = 'public'::regnamespace
        where owned.deptype = 'i' and owner.relname in ('phase_history', 'retention_runs', 'archive_manifest')
    loop
        execute format('revoke all on sequence %s from public, anon, authenticated', relation);
    end loop;
end
$$;
