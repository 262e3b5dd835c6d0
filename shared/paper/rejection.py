"""What a venue answers when it refuses an order: its code and its words.

Codes and messages are Binance's (binance-docs "Error Codes", spot and USD-M futures), because the connectors that read them
are Binance's; other venues' connectors only need that the order fails with a reason.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class RejectionReason:
    """A venue's error code with its message."""

    code: int
    message: str


class VenueRejection(IOError):
    """An order or request the simulated venue refuses, worded as Hummingbot's connectors expect it."""

    def __init__(self, reason: RejectionReason, detail: str = "") -> None:
        text = f"{reason.message} ({detail})" if detail else reason.message
        super().__init__(f'{{"code":{reason.code},"msg":"{text}"}}')
        self.code = reason.code


FILTER_FAILURE = RejectionReason(-1013, "Filter failure: LOT_SIZE or NOTIONAL")
UNKNOWN_ORDER = RejectionReason(-2011, "Unknown order sent.")
ORDER_NOT_EXIST = RejectionReason(-2013, "Order does not exist.")
INSUFFICIENT_BALANCE = RejectionReason(-2010, "Account has insufficient balance for requested action.")
WOULD_MATCH = RejectionReason(-2010, "Order would immediately match and take.")
INSUFFICIENT_MARGIN = RejectionReason(-2019, "Margin is insufficient.")
REDUCE_ONLY = RejectionReason(-2022, "ReduceOnly Order is rejected.")
POST_ONLY = RejectionReason(
    -5022, "Due to the order could not be executed as maker, the Post Only order will be rejected."
)
UNSUPPORTED_TYPE = RejectionReason(-1116, "Invalid orderType.")
NO_LIQUIDITY = RejectionReason(-2010, "Market order expired: the book is exhausted.")
