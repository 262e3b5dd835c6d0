-- Adoption: rows of the legacy system's tables are brought into the partitioned ones in batches. How far it got is written in
-- the transaction of each batch, so that it goes on after any interruption with no row lost and none taken twice.

create table recovery.adoption (
    relation    text primary key,
    filenode    oid         not null,
    options     jsonb       not null,
    next_block  bigint      not null default 0 check (next_block >= 0),
    next_seq    bigint      not null default 1 check (next_seq > 0),
    adopted     bigint      not null default 0 check (adopted >= 0),
    duplicates  bigint      not null default 0 check (duplicates >= 0),
    refused     bigint      not null default 0 check (refused >= 0),
    refusals    jsonb       not null default '{}' check (jsonb_typeof(refusals) = 'object'),
    started_at  timestamptz not null default clock_timestamp(),
    verified_at timestamptz,
    dropped_at  timestamptz,
    constraint nothing_is_dropped_unverified check (dropped_at is null or verified_at is not null),
    constraint nothing_refused_is_dropped check (dropped_at is null or refused = 0)
);
comment on table recovery.adoption is 'One row a table of schema legacy: how far its adoption got, and what it came to.';
comment on column recovery.adoption.filenode is 'The file the blocks are of: after a rewrite they would be other blocks.';
comment on column recovery.adoption.next_block is 'The first page not adopted yet.';
comment on column recovery.adoption.next_seq is 'Number of the next scan adopted; scans have no key of their own.';
comment on column recovery.adoption.duplicates is 'Rows whose key was there already: the one that was there stays.';
comment on column recovery.adoption.refusals is 'By reason: the number of rows, and the ctid of the first.';
comment on column recovery.adoption.verified_at is 'When adopted + duplicates + refused was found to be the number of rows.';

-- A row changed behind the adoption's back would be lost with the table.
create function recovery.refuse_change_of_legacy() returns trigger
language plpgsql set search_path = '' as $$
begin
    raise object_not_in_prerequisite_state using
        message = format('%I.%I has been given to adoption and does not change any more', tg_table_schema, tg_table_name),
        hint = format('Write to public.%I.', tg_table_name);
end
$$;

alter table recovery.adoption enable row level security;
revoke all on table recovery.adoption from public, anon, authenticated;
grant select on table recovery.adoption to service_role;
revoke all on function recovery.refuse_change_of_legacy from public, anon, authenticated;
