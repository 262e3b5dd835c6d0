-- Partitions: made ahead of need, moved to the archive schema, dropped. There is no DEFAULT partition: it would have to be
-- scanned at every new one, and would hide rows whose time is wrong.

create table recovery.datasets (
    dataset  text primary key,
    relation text not null,
    step     text not null check (step in ('day', 'month'))
);
alter table recovery.datasets enable row level security;
comment on table recovery.datasets is 'What retention works on: one partitioned table each, in public and in archive.';
insert into recovery.datasets (dataset, relation, step) values
    ('ohlc_1m', 'ohlc_data_1m', 'day'),
    ('ohlc_15m', 'ohlc_data_15m', 'month'),
    ('ohlc_1h', 'ohlc_data_1h', 'month'),
    ('ml_features', 'ml_features', 'month'),
    ('scan_history', 'scan_history', 'day');

create function recovery.partition_start(p_dataset text, p_at timestamptz) returns timestamptz
language plpgsql stable set search_path = '' as $$
declare
    v_step text;
begin
    select step into strict v_step from recovery.datasets where dataset = p_dataset;
    return date_trunc(v_step, p_at, 'UTC');
end
$$;

create function recovery.partition_end(p_dataset text, p_start timestamptz) returns timestamptz
language plpgsql stable set search_path = '' as $$
declare
    v_step text;
begin
    select step into strict v_step from recovery.datasets where dataset = p_dataset;
    return ((p_start at time zone 'UTC') + ('1 ' || v_step)::interval) at time zone 'UTC';
end
$$;

create function recovery.partition_name(p_dataset text, p_start timestamptz) returns text
language sql stable set search_path = '' as $$
    select relation || '_' || to_char(p_start at time zone 'UTC', case step when 'day' then 'YYYYMMDD' else 'YYYYMM' end)
    from recovery.datasets where dataset = p_dataset
$$;

-- Makes the partition that holds p_at, in the named schema, unless it is there.
create function recovery.ensure_partition(p_dataset text, p_at timestamptz, p_schema text default 'public') returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_relation text;
    v_start    timestamptz := recovery.partition_start(p_dataset, p_at);
    v_end      timestamptz := recovery.partition_end(p_dataset, v_start);
    v_name     text := recovery.partition_name(p_dataset, v_start);
begin
    if p_schema not in ('public', 'archive') then
        raise exception 'partitions are made in public or archive, not in %', p_schema;
    end if;
    select relation into strict v_relation from recovery.datasets where dataset = p_dataset;
    if to_regclass(format('%I.%I', p_schema, v_name)) is null then
        perform pg_advisory_xact_lock(hashtext('recovery.partitions'));
        if to_regclass(format('%I.%I', p_schema, v_name)) is null then
            -- Made apart and attached: that locks out neither readers nor writers of the parent. The constraint says what
            -- the bounds say, the parent's own included, so that attaching, here and later in the archive, needs no scan.
            execute format('create table %I.%I (like %I.%I including all)', p_schema, v_name, p_schema, v_relation);
            execute format(
                'alter table %I.%I add constraint within_its_period check (%s and "timestamp" is not null and "timestamp" >= %L and "timestamp" < %L)',
                p_schema, v_name,
                coalesce(pg_get_partition_constraintdef(to_regclass(format('%I.%I', p_schema, v_relation))), 'true'), v_start, v_end
            );
            execute format('alter table %I.%I enable row level security', p_schema, v_name);
            execute format('revoke all on table %I.%I from public, anon, authenticated', p_schema, v_name);
            execute format('grant select, insert, update, delete on table %I.%I to service_role', p_schema, v_name);
            execute format(
                'alter table %I.%I attach partition %I.%I for values from (%L) to (%L)',
                p_schema, v_relation, p_schema, v_name, v_start, v_end
            );
        end if;
    end if;
    return v_name;
end
$$;

-- Makes the partitions of the next p_ahead steps, the one of p_now included.
create function recovery.create_partitions_ahead(p_dataset text, p_now timestamptz, p_ahead integer) returns void
language plpgsql set search_path = '' as $$
declare
    v_at timestamptz := recovery.partition_start(p_dataset, p_now);
begin
    for i in 0..p_ahead loop
        perform recovery.ensure_partition(p_dataset, v_at);
        v_at := recovery.partition_end(p_dataset, v_at);
    end loop;
end
$$;

-- Moves a live partition to the archive and returns the rows moved by copying: 0 where the table itself could move. A period
-- that is there already (rows came late) takes the newer rows in, row for row in place of the older.
create function recovery.move_to_archive(p_dataset text, p_start timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
    v_relation text;
    v_name     text := recovery.partition_name(p_dataset, p_start);
    v_end      timestamptz := recovery.partition_end(p_dataset, p_start);
    v_keys     text;
    v_rows     bigint := 0;
begin
    select relation into strict v_relation from recovery.datasets where dataset = p_dataset;
    execute format('alter table public.%I detach partition public.%I', v_relation, v_name);
    if to_regclass(format('archive.%I', v_name)) is null then
        execute format('alter table public.%I set schema archive', v_name);
        execute format(
            'alter table archive.%I attach partition archive.%I for values from (%L) to (%L)', v_relation, v_name, p_start, v_end
        );
    else
        select string_agg(format('old.%1$I = new.%1$I', a.attname), ' and ') into strict v_keys
        from pg_catalog.pg_index i
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
        where i.indrelid = to_regclass(format('public.%I', v_name)) and i.indisprimary;
        execute format('delete from archive.%1$I old using public.%1$I new where %2$s', v_name, v_keys);
        execute format('insert into archive.%1$I select * from public.%1$I', v_name);
        get diagnostics v_rows = row_count;
        execute format('drop table public.%I', v_name);
    end if;
    return v_rows;
end
$$;

-- Adds a partition's scans, live or archived, to the daily aggregates. Call it in the transaction that drops them.
create function recovery.aggregate_scans(p_partition regclass) returns bigint
language plpgsql set search_path = '' as $$
declare
    v_rows bigint;
begin
    execute format(
        'insert into public.scan_daily as daily
             (day, strategy, symbol, side, decision, reason, scans, confidence_sum, confidence_best)
         select ("timestamp" at time zone ''UTC'')::date, strategy, symbol, side, decision, coalesce(reason, ''''), count(*),
                sum(confidence), max(confidence)
         from %s group by 1, 2, 3, 4, 5, 6
         on conflict (day, strategy, symbol, side, decision, reason) do update set
             scans = daily.scans + excluded.scans,
             confidence_sum = daily.confidence_sum + excluded.confidence_sum,
             confidence_best = greatest(daily.confidence_best, excluded.confidence_best)',
        p_partition
    );
    get diagnostics v_rows = row_count;
    return v_rows;
end
$$;

-- The partitions there are, with their sizes; `rows` is the planner's estimate, null where it has none yet.
create view recovery.partitions with (security_invoker = true) as
select
    d.dataset,
    case n.nspname when 'public' then 'live' else 'archive' end as place,
    c.oid::regclass as partition,
    c.relname::text as partition_name,
    bounds.period_start,
    bounds.period_end,
    case when c.reltuples < 0 then null else c.reltuples::bigint end as rows,
    pg_total_relation_size(c.oid) as bytes
from recovery.datasets d
join pg_class parent on parent.relname = d.relation
join pg_namespace n on n.oid = parent.relnamespace and n.nspname in ('public', 'archive')
join pg_inherits i on i.inhparent = parent.oid
join pg_class c on c.oid = i.inhrelid
cross join lateral (
    select found[1]::timestamptz as period_start, found[2]::timestamptz as period_end
    from (
        select regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') as found
    ) expression
) bounds;

-- A sum over the rows' texts that does not depend on their order, nor on trailing zeros of numbers: equal before export and
-- after reading the file back, on any server.
create function recovery.rows_checksum(p_relation regclass, out rows bigint, out checksum numeric)
language plpgsql stable set search_path = '' set timezone = 'UTC' set datestyle = 'ISO, YMD' set extra_float_digits = 1 as $$
declare
    v_row text;
begin
    select string_agg(
        case when a.atttypid = 'numeric'::regtype then format('trim_scale(%I)', a.attname) else format('%I', a.attname) end,
        ', ' order by a.attname
    ) into strict v_row
    from pg_catalog.pg_attribute a where a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped;
    execute format(
        'select count(*), coalesce(sum((''x'' || left(md5(row(%s)::text), 15))::bit(60)::bigint), 0) from %s', v_row, p_relation
    ) into rows, checksum;
end
$$;

-- Candles, live and archived, as one. A candle that came anew after its period was archived counts before the archived one,
-- until the next move puts it in its place.
create view public.ohlc_data_all with (security_invoker = true) as
select * from public.ohlc_data
union all
select * from archive.ohlc_data old
where not exists (
    select from public.ohlc_data new
    where new.symbol = old.symbol and new.timeframe = old.timeframe and new."timestamp" = old."timestamp"
);
revoke all on public.ohlc_data_all from public, anon, authenticated;
grant select on public.ohlc_data_all to service_role;

revoke all on all tables in schema recovery from public, anon, authenticated;
revoke all on all functions in schema recovery from public, anon, authenticated;
grant usage on schema recovery to service_role;
grant select on all tables in schema recovery to service_role;
grant execute on function
    recovery.partition_start(text, timestamptz), recovery.partition_end(text, timestamptz),
    recovery.partition_name(text, timestamptz), recovery.ensure_partition(text, timestamptz, text)
to service_role;
