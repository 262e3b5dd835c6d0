"""Where the database is: a connection string from the environment, checked, and never shown with its password."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from shared.ports import StoreError

# In order: the first that is set wins.
VARIABLES = ("DATABASE_URL", "SUPABASE_DB_URL")
_TRANSACTION_POOLER_PORT = 6543


class AddressError(StoreError):
    """A connection string that cannot be used."""


@dataclass(frozen=True)
class Address:
    """A Postgres database.

    Attributes:
        url: Connection string, password included: for connecting, not for showing.
        origin: Where it was named, e.g. "DATABASE_URL" or "embedded".
    """

    url: str = field(repr=False)
    origin: str

    def __str__(self) -> str:
        """Its place without the password, e.g. ``postgres@db.example.org:5432/postgres (SUPABASE_DB_URL)``."""
        parts = urlsplit(self.url)
        host = parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0]
        port = f":{parts.port}" if parts.port else ""
        user = f"{parts.username}@" if parts.username else ""
        return f"{user}{host}{port}{parts.path} ({self.origin})"


def address_in(environment: Mapping[str, str]) -> Address | None:
    """The address the environment names, or None where it names none.

    Raises:
        AddressError: The variable holds no usable connection string; its value is not repeated, it may hold a password.
    """
    for name in VARIABLES:
        url = environment.get(name)
        if url:
            return Address(_checked(name, url), name)
    return None


def _checked(name: str, url: str) -> str:
    allowed = "must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Not chained: the parser's message may repeat a part of the password.
        raise AddressError(f"{name}: {allowed}; a password with / ? # [ ] or @ in it must be percent-encoded") from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise AddressError(f"{name}: {allowed}")
    if port == _TRANSACTION_POOLER_PORT:
        raise AddressError(
            f"{name}: port {port} is the transaction pooler, which keeps no session; "
            "use the session pooler (port 5432) or the direct connection"
        )
    return url
