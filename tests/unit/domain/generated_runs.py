"""Runs for tests: consistent ones of any size, as hypothesis strategies, and ways to look into their events."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import strategies as st

from shared.domain import events as ev
from shared.domain.run_record import RunRecord, net_base, net_quote
from shared.domain.signals import Side

SPOT = "binance_paper_trade"
PERPETUAL = "binance_perpetual_paper_trade"
OPENING = {"USDT": Decimal(10_000), "BTC": Decimal(50), "ETH": Decimal(50)}
_STEP = Decimal("0.0001")


def run_started(accounts: Iterable[str] = (SPOT,)) -> ev.RunStarted:
    """The start of a run whose accounts hold OPENING."""
    balances = {account: dict(OPENING) for account in accounts}
    return ev.RunStarted(at_ms=1, hummingbot="20260126", script="recovery_dca.py", balances=balances)


def signal(
    signal_id: str, side: Side = Side.BUY, pair: str = "BTC-USDT", reason: str | None = None
) -> ev.SignalDecided:
    """A signal, taken unless a reason is given."""
    return ev.SignalDecided(
        at_ms=2,
        signal_id=signal_id,
        controller_id="recovery_dca",
        strategy="recovery_dca",
        pair=pair,
        side=side,
        candle_close_ms=2,
        price=100.0,
        confidence=0.5,
        thresholds={"drop_threshold": 0.03},
        values={"drop": 0.031},
        reason=reason,
    )


@dataclass
class TradeBuilder:
    """Writes the events of one trade; `close` reports what its fills come to."""

    name: str
    side: Side = Side.BUY
    pair: str = "BTC-USDT"
    account: str = SPOT
    events: list[ev.Event] = field(default_factory=list)
    _orders: int = 0

    @property
    def signal_id(self) -> str:
        return f"signal-{self.name}"

    @property
    def executor_id(self) -> str:
        return f"executor-{self.name}"

    def open(self) -> "TradeBuilder":
        self.events.append(signal(self.signal_id, self.side, self.pair))
        self.events.append(
            ev.ExecutorOpened(
                at_ms=3,
                executor_id=self.executor_id,
                signal_id=self.signal_id,
                controller_id="recovery_dca",
                account=self.account,
                pair=self.pair,
                side=self.side,
            )
        )
        return self

    def order(
        self,
        fills: Iterable[tuple[Decimal, Decimal, Decimal]],
        *,
        amount: Decimal,
        closing: bool = False,
        limit: Decimal | None = None,
        end: str = "completed",
    ) -> str:
        """An order with fills of (price, amount, fee), and its end: completed, cancelled, failed or none."""
        self._orders += 1
        order_id = f"order-{self.name}-{self._orders}"
        side = self.side.opposite if closing else self.side
        self.events.append(
            ev.OrderSubmitted(
                at_ms=4,
                order_id=order_id,
                executor_id=self.executor_id,
                signal_id=self.signal_id,
                account=self.account,
                pair=self.pair,
                side=side,
                order_type="MARKET" if limit is None else "LIMIT",
                price=limit,
                amount=amount,
                closing=closing,
            )
        )
        for number, (price, filled, fee) in enumerate(fills, start=1):
            self.events.append(
                ev.OrderFilled(
                    at_ms=5,
                    trade_id=f"fill-{self.name}-{self._orders}-{number}",
                    order_id=order_id,
                    signal_id=self.signal_id,
                    pair=self.pair,
                    side=side,
                    price=price,
                    amount=filled,
                    fee_quote=fee,
                )
            )
        if end == "completed":
            self.events.append(ev.OrderCompleted(at_ms=6, order_id=order_id, signal_id=self.signal_id))
        elif end == "cancelled":
            self.events.append(ev.OrderCancelled(at_ms=6, order_id=order_id, signal_id=self.signal_id))
        elif end == "failed":
            self.events.append(
                ev.OrderFailed(at_ms=6, order_id=order_id, signal_id=self.signal_id, code="-2010", message="refused")
            )
        return order_id

    @property
    def fills(self) -> list[ev.OrderFilled]:
        return [event for event in self.events if isinstance(event, ev.OrderFilled)]

    def close(self, close_type: str = "TAKE_PROFIT") -> "TradeBuilder":
        self.events.append(
            ev.ExecutorClosed(
                at_ms=7,
                executor_id=self.executor_id,
                signal_id=self.signal_id,
                close_type=close_type,
                reported_pnl_quote=net_quote(self.fills),
                reported_fees_quote=sum((fill.fee_quote for fill in self.fills), Decimal(0)),
            )
        )
        return self


def round_trip(name: str = "1", side: Side = Side.BUY, account: str = SPOT) -> TradeBuilder:
    """A trade of two filled levels, one level cancelled, closed by one market order in two fills."""
    trade = TradeBuilder(name, side, account=account).open()
    trade.order([(Decimal(100), Decimal("0.5"), Decimal("0.05"))], amount=Decimal("0.5"), limit=Decimal(100))
    trade.order(
        [(Decimal(100), Decimal("0.25"), Decimal("0.025"))], amount=Decimal("0.5"), limit=Decimal(100), end="cancelled"
    )
    trade.order(
        [(Decimal(102), Decimal("0.25"), Decimal("0.0255")), (Decimal(101), Decimal("0.5"), Decimal("0.0505"))],
        amount=Decimal("0.75"),
        closing=True,
    )
    return trade.close()


def finished(trades: Iterable[TradeBuilder], others: Iterable[ev.Event] = ()) -> list[ev.Event]:
    """A whole run in good order: the balances at its end are what its fills made of those at its start."""
    trades = list(trades)
    accounts = sorted({SPOT, *(trade.account for trade in trades)})
    events: list[ev.Event] = [run_started(accounts), *others, *(event for trade in trades for event in trade.events)]
    balances: dict[str, dict[str, Decimal]] = {account: defaultdict(Decimal, OPENING) for account in accounts}
    for trade in trades:
        base, quote = trade.pair.split("-")
        if trade.account == SPOT:
            balances[trade.account][base] += net_base(trade.fills)
        balances[trade.account][quote] += net_quote(trade.fills)
    events.append(ev.RunStopped(at_ms=9, balances=balances))
    return events


def record(events: Iterable[ev.Event]) -> RunRecord:
    """Events put together."""
    return RunRecord.of(events)


amounts = st.integers(1, 50_000).map(lambda steps: steps * _STEP)
prices = st.integers(1_000, 20_000_000).map(lambda cents: Decimal(cents) / 100)
fees = st.integers(0, 10**9).map(lambda units: Decimal(units) * Decimal("1e-8"))


@st.composite
def _fills(
    draw: st.DrawFn, amount: Decimal, limit: Decimal | None, side: Side
) -> list[tuple[Decimal, Decimal, Decimal]]:
    """`amount` in one to three fills at prices within the limit."""
    steps = int(amount / _STEP)
    cuts = sorted(draw(st.sets(st.integers(1, steps - 1), max_size=2))) if steps > 1 else []
    parts = [later - earlier for earlier, later in zip([0, *cuts], [*cuts, steps], strict=True)]
    result = []
    for part in parts:
        price = draw(prices)
        if limit is not None:
            price = min(price, limit) if side is Side.BUY else max(price, limit)
        result.append((price, part * _STEP, draw(fees)))
    return result


@st.composite
def trades(draw: st.DrawFn, name: str) -> TradeBuilder:
    """A consistent closed trade: levels filled whole, in part or not at all, closed by one or two orders."""
    side = draw(st.sampled_from(Side))
    trade = TradeBuilder(
        name, side, draw(st.sampled_from(["BTC-USDT", "ETH-USDT"])), draw(st.sampled_from([SPOT, PERPETUAL]))
    ).open()
    held = Decimal(0)
    for _ in range(draw(st.integers(1, 3))):
        amount, limit = draw(amounts), draw(prices)
        fate = draw(st.sampled_from(["whole", "whole", "part", "cancelled", "failed"])) if held else "whole"
        if fate == "whole":
            trade.order(draw(_fills(amount, limit, side)), amount=amount, limit=limit)
            held += amount
        elif fate == "part":
            trade.order(draw(_fills(amount, limit, side)), amount=amount + _STEP, limit=limit, end="cancelled")
            held += amount
        else:
            trade.order([], amount=amount, limit=limit, end=fate)
    first = draw(st.integers(1, int(held / _STEP))) * _STEP
    for part in (first, held - first):
        if part:
            trade.order(draw(_fills(part, None, side.opposite)), amount=part, closing=True)
    return trade.close(draw(st.sampled_from(["TAKE_PROFIT", "STOP_LOSS", "TIME_LIMIT"])))


@st.composite
def runs(draw: st.DrawFn) -> list[ev.Event]:
    """A consistent finished run of up to three trades and some refused signals."""
    count = draw(st.integers(1, 3))
    refused = [signal(f"refused-{number}", reason="cooldown") for number in range(draw(st.integers(0, 2)))]
    return finished([draw(trades(str(number))) for number in range(count)], refused)
