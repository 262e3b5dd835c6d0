"""The right to be the only one: of all who hold a lease on one account, in any home, the store lets one have it at a time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lease:
    """A right that runs out unless it is renewed.

    Attributes:
        account: What it is a right to, e.g. the connection that one key of Polygon allows.
        holder: Who has it: one process, never two.
        token: Greater than that of every lease on this account before: what carries an older one comes from a holder of
            the past.
    """

    account: str
    holder: str
    token: int
