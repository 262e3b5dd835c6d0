"""The margin account behind a perpetual paper connector: leverage, position modes and positions."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hummingbot.connector.derivative.position import Position
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, PositionSide, TradeType
from hummingbot.core.data_type.trade_fee import AddedToCostTradeFee, TokenAmount, TradeFeeBase

from shared.domain.fills import Match
from shared.domain.margin_account import MarginAccount, PositionSlot, ReduceOnlyExceeded, position_slot
from shared.domain.signals import Side
from shared.domain.spot_account import InsufficientFunds
from shared.paper import rejection
from shared.paper.connector import PaperConnector
from shared.paper.orders import PaperOrder
from shared.paper.rejection import VenueRejection

_RULES_WAITED_FOR = 60  # times a second


class PerpetualPaperConnector(PaperConnector):
    """One wallet a collateral asset, HEDGE and ONEWAY positions. Funding is not charged (docs/decisions/0005)."""

    def __init__(self, **parameters: Any) -> None:
        self._accounts: dict[str, MarginAccount] = defaultdict(MarginAccount)
        super().__init__(**parameters)

    def set_balance(self, asset: str, balance: Any) -> None:
        self._accounts[asset].wallet = Decimal(str(balance))
        self._publish_account()

    def paper_balances(self) -> Mapping[str, Decimal]:
        return {asset: account.wallet for asset, account in self._accounts.items()}

    @property
    def _hedge(self) -> bool:
        return bool(self.position_mode is PositionMode.HEDGE)

    def _account_of(self, pair: str) -> MarginAccount:
        return self._accounts[self.get_buy_collateral_token(pair)]

    def _slot_of(self, side: Side, position_action: PositionAction) -> PositionSlot:
        return position_slot(side, hedge=self._hedge, closing=position_action is PositionAction.CLOSE)

    def _post_only_reason(self) -> rejection.RejectionReason:
        return rejection.POST_ONLY

    def _lock_funds(self, order: PaperOrder, notional: Decimal, fee: Decimal) -> None:
        account = self._account_of(order.pair)
        try:
            if self._reduces(order, account):
                return
            account.lock(order.order_id, order.pair, notional, fee)
        except ReduceOnlyExceeded as error:
            raise VenueRejection(rejection.REDUCE_ONLY, str(error)) from error
        except InsufficientFunds as error:
            raise VenueRejection(rejection.INSUFFICIENT_MARGIN, str(error)) from error

    def _reduces(self, order: PaperOrder, account: MarginAccount) -> bool:
        """Whether the order only makes a position smaller, and so needs no margin."""
        if self._hedge:
            if order.closing:
                under_way = sum(
                    (
                        other.remaining
                        for other in self._open_orders.values()
                        if other.closing and other.slot is order.slot and other.pair == order.pair
                    ),
                    Decimal(0),
                )
                account.require_reducible(order.pair, order.slot, order.amount + under_way)
            return order.closing
        held = account.position(order.pair, order.slot).amount
        signed = order.amount if order.side is Side.BUY else -order.amount
        return held * signed < 0 and abs(signed) <= abs(held)

    def _release_funds(self, order: PaperOrder) -> None:
        self._account_of(order.pair).release(order.order_id)

    def _book_fill(self, order: PaperOrder, match: Match, fee: Decimal) -> TradeFeeBase:
        account = self._account_of(order.pair)
        account.shrink_lock(order.order_id, match.amount / order.remaining)
        account.apply_fill(order.pair, order.slot, order.side, match.price, match.amount, fee)
        return TradeFeeBase.new_perpetual_fee(
            fee_schema=self.trade_fee_schema(),
            position_action=PositionAction.CLOSE if order.closing else PositionAction.OPEN,
            percent_token=self.get_buy_collateral_token(order.pair),
            flat_fees=[TokenAmount(token=self.get_buy_collateral_token(order.pair), amount=fee)],
        )

    def _publish_account(self) -> None:
        self._account_balances = {asset: account.wallet for asset, account in self._accounts.items()}
        self._account_available_balances = {asset: account.free for asset, account in self._accounts.items()}
        held = {
            self._position_key(pair, slot): (pair, slot, account)
            for account in self._accounts.values()
            for pair, slot in account.positions
        }
        for key in set(self.account_positions) - set(held):
            self._perpetual_trading.remove_position(key)
        for key, (pair, slot, account) in held.items():
            self._perpetual_trading.set_position(key, self._as_position(pair, slot, account))

    def _position_key(self, pair: str, slot: PositionSlot) -> str:
        return str(self._perpetual_trading.position_key(pair, PositionSide[slot.value]))

    def _as_position(self, pair: str, slot: PositionSlot, account: MarginAccount) -> Position:
        position = account.position(pair, slot)
        if slot is PositionSlot.NET:
            side = PositionSide.LONG if position.amount > 0 else PositionSide.SHORT
        else:
            side = PositionSide[slot.value]
        return Position(
            trading_pair=pair,
            position_side=side,
            unrealized_pnl=position.unrealised(self.get_price(pair, position.amount < 0)),
            entry_price=position.entry_price,
            amount=position.amount,
            leverage=Decimal(account.leverage(pair)),
        )

    async def _update_positions(self) -> None:
        self._publish_account()

    async def _trading_pair_position_mode_set(self, mode: PositionMode, trading_pair: str) -> tuple[bool, str]:
        if any(account.positions for account in self._accounts.values()):
            return False, "-4068: Position side cannot be changed if there exists position."
        return True, ""

    async def _fetch_account_position_mode(self) -> PositionMode:
        return self.position_mode

    async def _set_trading_pair_leverage(self, trading_pair: str, leverage: int) -> tuple[bool, str]:
        # Scripts set it when they start, before the trading rules name the pair's collateral.
        for _ in range(_RULES_WAITED_FOR):
            if trading_pair in self._trading_rules:
                self._account_of(trading_pair).set_leverage(trading_pair, leverage)
                return True, ""
            await asyncio.sleep(1.0)
        return False, f"the venue gave no trading rules for {trading_pair}"

    async def _fetch_last_fee_payment(self, trading_pair: str) -> tuple[float, Decimal, Decimal]:
        return 0, Decimal("-1"), Decimal("-1")

    def _get_fee(
        self,
        base_currency: str,
        quote_currency: str,
        order_type: OrderType,
        order_side: TradeType,
        position_action: PositionAction,
        amount: Decimal,
        price: Decimal = Decimal("NaN"),
        is_maker: bool | None = None,
    ) -> TradeFeeBase:
        maker = order_type is OrderType.LIMIT_MAKER if is_maker is None else is_maker
        return AddedToCostTradeFee(percent=self.estimate_fee_pct(maker), percent_token=quote_currency)
