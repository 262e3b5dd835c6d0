"""Where the database is, and that its password is never shown."""

import pytest

from shared.adapters.postgres.address import Address, AddressError, address_in

URL = "postgresql://me:se%2Fcret@db.example.org:5432/store?sslmode=require"


def test_the_first_variable_that_is_set_wins() -> None:
    other = URL.replace("store", "other")
    assert address_in({"DATABASE_URL": URL, "SUPABASE_DB_URL": other}) == Address(URL, "DATABASE_URL")
    assert address_in({"DATABASE_URL": "", "SUPABASE_DB_URL": other}) == Address(other, "SUPABASE_DB_URL")
    assert address_in({}) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, "me@db.example.org:5432/store (X)"),
        ("postgresql://postgres@/postgres?host=/run/socket&port=5432", "postgres@/run/socket/postgres (X)"),
        ("postgres://db.example.org/store", "db.example.org/store (X)"),
    ],
)
def test_it_is_shown_without_its_password(url: str, shown: str) -> None:
    address = Address(url, "X")
    assert str(address) == shown
    assert "cret" not in f"{address} {address!r}"


@pytest.mark.parametrize(
    "url",
    [
        "db.example.org",
        "http://me:secret@db.example.org/store",
        "postgresql://me:secret@db.example.org:many/store",
        "postgresql://me:secret@db.example.org:6543/postgres",
        "postgresql://me:[secret@db.example.org/store",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(AddressError, match=r"^SUPABASE_DB_URL: ") as raised:
        address_in({"SUPABASE_DB_URL": url})
    chain: BaseException | None = raised.value
    while chain is not None:
        assert "secret" not in str(chain)
        chain = chain.__cause__
