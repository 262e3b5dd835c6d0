"""One executor on a fake exchange: its signal is taken, the session listens, and nothing happens but what the test says."""

from decimal import Decimal
from typing import Any

import pytest
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAExecutorConfig, DCAMode
from hummingbot.strategy_v2.executors.position_executor.data_types import PositionExecutorConfig, TripleBarrierConfig
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType

from shared.bot import session
from shared.domain.protections import Protections
from shared.domain.run_record import ExecutorRecord
from shared.domain.signals import Side, Signal
from shared.domain.verification import verify
from tests.unit.bot.fake_exchange import ACCOUNT, PAIR, RELEASE, START_S, FakeConnector, FakeStrategy, begin, one_pass

SIGNAL_ID = "recovery_dca_BTC-USDT@2025-01-06T00:00:00Z/BUY"
PASSES = 40  # more than an executor tries anything

fixed_upstream = pytest.mark.skipif(RELEASE != "20260126", reason=f"Hummingbot {RELEASE} has fixed this itself")


class Bench:
    """One executor on a fake exchange, its signal taken and the session listening."""

    def __init__(self, kind: type[Any], config: Any, taken: session.Session) -> None:
        self.session = taken
        self.strategy = FakeStrategy()
        self.exchange: FakeConnector = self.strategy.connector
        self.session.watch(self.strategy.connectors, script="test.py", market="simulated, seed 1")
        side = Side.BUY if config.side is TradeType.BUY else Side.SELL
        signal = Signal(SIGNAL_ID, "c", "recovery_dca", PAIR, side, int(START_S * 1000), 100.0, 0.5, {}, {}, {})
        protections = Protections(max_positions=1, cooldown_s=0)
        assert taken.decide(session.Proposal(signal, Decimal(100), protections))
        self.executor = kind(self.strategy, config)
        begin(self.executor)

    async def one_pass(self) -> None:
        await one_pass(self.executor)

    async def enter_and_reach(self, price: int) -> None:
        """The first level is filled at 100; then the market goes to a price, which the executor looks at."""
        await self.one_pass()
        self.exchange.fill(self.buys[0], 100)
        self.exchange.set_price(price)
        await self.one_pass()

    @property
    def buys(self) -> list[str]:
        return self.exchange.placed(TradeType.BUY)

    @property
    def sells(self) -> list[str]:
        return self.exchange.placed(TradeType.SELL)

    @property
    def record(self) -> ExecutorRecord:
        return self.session.record.executors[self.executor.config.id]

    def is_closed_by(self, close_type: CloseType) -> bool:
        status, found = self.executor.status, self.executor.close_type
        return bool(status is RunnableStatus.TERMINATED and found is close_type)

    def assert_proved(self) -> None:
        """Nothing is left over, nothing live, and the journal adds up to the last unit."""
        assert self.exchange.live == []
        assert self.exchange.balances["BTC"] == 0
        self.session.end()
        assert verify(self.session.record).mismatches == ()


def dca(prices: tuple[int, ...] = (100,), side: TradeType = TradeType.BUY, **barriers: Any) -> DCAExecutorConfig:
    return DCAExecutorConfig(
        id="executor-1",
        timestamp=START_S,
        connector_name=ACCOUNT,
        trading_pair=PAIR,
        side=side,
        amounts_quote=[Decimal(price) for price in prices],
        prices=[Decimal(price) for price in prices],
        mode=DCAMode.MAKER,
        level_id=SIGNAL_ID,
        **barriers,
    )


def position(**barriers: Any) -> PositionExecutorConfig:
    return PositionExecutorConfig(
        id="executor-1",
        timestamp=START_S,
        connector_name=ACCOUNT,
        trading_pair=PAIR,
        side=TradeType.BUY,
        entry_price=Decimal(100),
        amount=Decimal(1),
        triple_barrier_config=TripleBarrierConfig(**barriers),
        level_id=SIGNAL_ID,
    )
