"""The spot account behind a paper connector."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.trade_fee import AddedToCostTradeFee, TokenAmount, TradeFeeBase

from shared.domain.fills import Match
from shared.domain.margin_account import PositionSlot
from shared.domain.signals import Side
from shared.domain.spot_account import InsufficientFunds, SpotAccount
from shared.paper import rejection
from shared.paper.connector import PaperConnector
from shared.paper.orders import PaperOrder
from shared.paper.rejection import VenueRejection


class SpotPaperConnector(PaperConnector):
    """Balances by asset. Fees are paid in quote on both sides (docs/decisions/0005)."""

    def __init__(self, **parameters: Any) -> None:
        self._account = SpotAccount()
        super().__init__(**parameters)

    def set_balance(self, asset: str, balance: Any) -> None:
        self._account.totals[asset] = Decimal(str(balance))
        self._publish_account()

    def paper_balances(self) -> Mapping[str, Decimal]:
        return dict(self._account.totals)

    def _slot_of(self, side: Side, position_action: PositionAction) -> PositionSlot:
        return PositionSlot.NET

    def _post_only_reason(self) -> rejection.RejectionReason:
        return rejection.WOULD_MATCH

    def _lock_funds(self, order: PaperOrder, notional: Decimal, fee: Decimal) -> None:
        base, quote = order.pair.split("-")
        asset, amount = (quote, notional + fee) if order.side is Side.BUY else (base, order.amount)
        try:
            self._account.lock(order.order_id, asset, amount)
        except InsufficientFunds as error:
            raise VenueRejection(rejection.INSUFFICIENT_BALANCE, str(error)) from error

    def _release_funds(self, order: PaperOrder) -> None:
        self._account.release(order.order_id)

    def _book_fill(self, order: PaperOrder, match: Match, fee: Decimal) -> TradeFeeBase:
        base, quote = order.pair.split("-")
        self._account.apply_fill(order.order_id, order.side, base, quote, match.price, match.amount, fee)
        return TradeFeeBase.new_spot_fee(
            fee_schema=self.trade_fee_schema(),
            trade_type=TradeType.BUY if order.side is Side.BUY else TradeType.SELL,
            percent_token=quote,
            flat_fees=[TokenAmount(token=quote, amount=fee)],
        )

    def _publish_account(self) -> None:
        self._account_balances = dict(self._account.totals)
        self._account_available_balances = {asset: self._account.free(asset) for asset in self._account.totals}

    def _get_fee(
        self,
        base_currency: str,
        quote_currency: str,
        order_type: OrderType,
        order_side: TradeType,
        amount: Decimal,
        price: Decimal = Decimal("NaN"),
        is_maker: bool | None = None,
    ) -> TradeFeeBase:
        maker = order_type is OrderType.LIMIT_MAKER if is_maker is None else is_maker
        return AddedToCostTradeFee(percent=self.estimate_fee_pct(maker), percent_token=quote_currency)
