-- Candles through the API, which does not expose recovery.ensure_partition: partitions and rows in one transaction.

create function public.put_candles(p_candles jsonb) returns void
language plpgsql set search_path = '' as $$
begin
    -- In order, so that two writers never wait for each other.
    perform recovery.ensure_partition('ohlc_' || timeframe, period)
    from (
        select distinct timeframe, recovery.partition_start('ohlc_' || timeframe, "timestamp") as period
        from jsonb_to_recordset(p_candles) as c (timeframe text, "timestamp" timestamptz)
        order by 1, 2
    ) periods;

    insert into public.ohlc_data (symbol, timeframe, "timestamp", open, high, low, close, volume, source, quote_currency)
    -- The last of those with one key: an upsert may not touch a row twice.
    select distinct on (symbol, timeframe, "timestamp")
        symbol, timeframe, "timestamp", open, high, low, close, volume, source, quote_currency
    from rows from (
        jsonb_to_recordset(p_candles) as (
            symbol text, timeframe text, "timestamp" timestamptz, open numeric, high numeric, low numeric, close numeric,
            volume numeric, source text, quote_currency text
        )
    ) with ordinality as c (
        symbol, timeframe, "timestamp", open, high, low, close, volume, source, quote_currency, place
    )
    order by symbol, timeframe, "timestamp", place desc
    on conflict (symbol, timeframe, "timestamp") do update set
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume,
        source = excluded.source, quote_currency = excluded.quote_currency;
end
$$;
comment on function public.put_candles is 'Writes candles, an array of objects with the columns of ohlc_data; one that is there is replaced.';

revoke all on function public.put_candles from public, anon, authenticated;
grant execute on function public.put_candles to service_role;
