-- Feeds: a candle belongs to the source that reported it, one holder at a time has a source's connection, and changes of source
-- and bars that could not be true are kept.

-- Tables of these names from before are the legacy system's: they move aside, as those of the first migration did.
do $$
declare
    relation text;
begin
    foreach relation in array array['feed_lease', 'feed_switches', 'quarantined_bars'] loop
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

-- Candles: two sources of one symbol are two series ----------------------------------------------------------------------

alter table public.ohlc_data add column revision integer not null default 0 check (revision >= 0);
alter table archive.ohlc_data add column revision integer not null default 0 check (revision >= 0);
comment on column public.ohlc_data.revision is 'How often its values changed after it was first written.';

-- The time last: the newest candles of one series lie side by side.
alter table public.ohlc_data drop constraint ohlc_data_pkey, add primary key (symbol, timeframe, source, "timestamp");
alter table archive.ohlc_data drop constraint ohlc_data_pkey, add primary key (symbol, timeframe, source, "timestamp");

create or replace view public.ohlc_data_all with (security_invoker = true) as
select * from public.ohlc_data
union all
select * from archive.ohlc_data old
where not exists (
    select from public.ohlc_data new
    where new.symbol = old.symbol and new.timeframe = old.timeframe and new.source = old.source
        and new."timestamp" = old."timestamp"
);

create or replace function public.put_candles(p_candles jsonb) returns void
language plpgsql set search_path = '' as $$
begin
    -- In order, so that two writers never wait for each other.
    perform recovery.ensure_partition('ohlc_' || timeframe, period)
    from (
        select distinct timeframe, recovery.partition_start('ohlc_' || timeframe, "timestamp") as period
        from jsonb_to_recordset(p_candles) as c (timeframe text, "timestamp" timestamptz)
        order by 1, 2
    ) periods;

    insert into public.ohlc_data as old (symbol, timeframe, "timestamp", open, high, low, close, volume, source, quote_currency)
    -- The last of those with one key: an upsert may not touch a row twice.
    select distinct on (symbol, timeframe, source, "timestamp")
        symbol, timeframe, "timestamp", open, high, low, close, volume, source, quote_currency
    from rows from (
        jsonb_to_recordset(p_candles) as (
            symbol text, timeframe text, "timestamp" timestamptz, open numeric, high numeric, low numeric, close numeric,
            volume numeric, source text, quote_currency text
        )
    ) with ordinality as c (
        symbol, timeframe, "timestamp", open, high, low, close, volume, source, quote_currency, place
    )
    order by symbol, timeframe, source, "timestamp", place desc
    on conflict (symbol, timeframe, source, "timestamp") do update set
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume,
        quote_currency = excluded.quote_currency, revision = old.revision + 1
    -- What is sent again is no revision.
    where (old.open, old.high, old.low, old.close, old.volume, old.quote_currency)
        is distinct from (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.quote_currency);
end
$$;

-- From one series to the next along the key: the rows between are not read.
create function public.last_opened(p_source text, p_timeframe text) returns table (symbol text, opened_at timestamptz)
language sql stable set search_path = '' as $$
    with recursive series as (
        (
            select candle.symbol, candle.source from public.ohlc_data candle where candle.timeframe = p_timeframe
            order by candle.symbol, candle.timeframe, candle.source limit 1
        )
        union all
        select following.symbol, following.source
        from series
        cross join lateral (
            select candle.symbol, candle.source from public.ohlc_data candle
            where candle.timeframe = p_timeframe
                and (candle.symbol, candle.timeframe, candle.source) > (series.symbol, p_timeframe, series.source)
            order by candle.symbol, candle.timeframe, candle.source limit 1
        ) following
    )
    select series.symbol, newest."timestamp"
    from series
    cross join lateral (
        select candle."timestamp" from public.ohlc_data candle
        where candle.symbol = series.symbol and candle.timeframe = p_timeframe and candle.source = series.source
        order by candle."timestamp" desc limit 1
    ) newest
    where series.source = p_source
    order by 1
$$;
comment on function public.last_opened is 'OPEN of the newest live candle of each symbol of a source.';

-- Leases: one connection an account, whoever asks from wherever ----------------------------------------------------------
-- All times are this database's own: no holder's clock is asked.

create table public.feed_lease (
    account    text        primary key,
    holder     text        not null check (holder <> ''),
    token      bigint      not null check (token > 0),
    expires_at timestamptz not null
);
comment on column public.feed_lease.account is 'What there may be one of, by a fingerprint: never a key.';
comment on column public.feed_lease.token is 'Grows with every lease given: what carries an older one comes from a holder of the past.';

-- The token, or null while another holder has the lease. The time is asked again once the row is locked: a caller that waited
-- for it would otherwise get a lease that began before.
create function public.acquire_feed_lease(p_account text, p_holder text, p_ttl_s double precision) returns bigint
language sql set search_path = '' as $$
    insert into public.feed_lease as lease (account, holder, token, expires_at)
    values (p_account, p_holder, 1, clock_timestamp() + make_interval(secs => p_ttl_s))
    on conflict (account) do update set
        holder = excluded.holder, token = lease.token + 1, expires_at = clock_timestamp() + make_interval(secs => p_ttl_s)
    where lease.holder = excluded.holder or lease.expires_at <= clock_timestamp()
    returning token
$$;

-- Whether it was held still.
create function public.renew_feed_lease(p_account text, p_holder text, p_token bigint, p_ttl_s double precision) returns boolean
language sql set search_path = '' as $$
    with renewed as (
        update public.feed_lease set expires_at = clock_timestamp() + make_interval(secs => p_ttl_s)
        where account = p_account and holder = p_holder and token = p_token and expires_at > clock_timestamp()
        returning 1
    )
    select exists (select from renewed)
$$;

-- The row stays: it tells the next token.
create function public.release_feed_lease(p_account text, p_holder text, p_token bigint) returns void
language sql set search_path = '' as $$
    update public.feed_lease set expires_at = clock_timestamp()
    where account = p_account and holder = p_holder and token = p_token and expires_at > clock_timestamp()
$$;

-- What happened to the feeds --------------------------------------------------------------------------------------------

create table public.feed_switches (
    home        text        not null,
    at          timestamptz not null,
    from_source text,
    to_source   text,
    reason      text        not null,
    primary key (home, at),
    constraint a_switch_changes_the_source check (from_source is distinct from to_source)
);
comment on table public.feed_switches is 'Changes of the source in use; null is none.';

create table public.quarantined_bars (
    source     text        not null,
    symbol     text        not null,
    timeframe  text        not null,
    opened_at  timestamptz not null,
    reason     text        not null check (length(reason) <= 100),
    seen_at    timestamptz not null,
    raw_values jsonb       not null check (jsonb_typeof(raw_values) = 'object'),
    primary key (source, symbol, timeframe, opened_at, reason)
);
create index quarantined_bars_by_age on public.quarantined_bars (seen_at);
comment on table public.quarantined_bars is 'Bars that could not be true, for 30 days. None of them was served or stored as a candle.';
comment on column public.quarantined_bars.raw_values is 'What was reported, as text.';

-- A source that reports nothing but such bars must not fill the database: old ones make room for new ones.
create function public.quarantine_bars(p_bars jsonb) returns void
language plpgsql set search_path = '' as $$
begin
    insert into public.quarantined_bars (source, symbol, timeframe, opened_at, reason, seen_at, raw_values)
    select source, symbol, timeframe, opened_at, reason, seen_at, raw_values
    from jsonb_to_recordset(p_bars) as bar (
        source text, symbol text, timeframe text, opened_at timestamptz, reason text, seen_at timestamptz, raw_values jsonb
    )
    order by 1, 2, 3, 4, 5
    on conflict do nothing;
    delete from public.quarantined_bars where seen_at < now() - interval '30 days';
end
$$;
comment on function public.quarantine_bars is 'Keeps bars, an array of objects with the columns of quarantined_bars; of one that is there the first stays.';

-- Who may do what: the service key everything, the anonymous key nothing ------------------------------------------------

do $$
declare
    relation regclass;
begin
    foreach relation in array array['public.feed_lease', 'public.feed_switches', 'public.quarantined_bars']::regclass[] loop
        execute format('alter table %s enable row level security', relation);
        execute format('revoke all on table %s from public, anon, authenticated', relation);
        execute format('grant select, insert, update, delete on table %s to service_role', relation);
    end loop;
end
$$;

revoke all on function
    public.last_opened, public.acquire_feed_lease, public.renew_feed_lease, public.release_feed_lease, public.quarantine_bars
from public, anon, authenticated;
grant execute on function
    public.last_opened, public.acquire_feed_lease, public.renew_feed_lease, public.release_feed_lease, public.quarantine_bars
to service_role;
