"""A snapshot for the screens' tests."""

from decimal import Decimal

from shared.bot.status import PairView, PositionView, Snapshot
from shared.domain.funnel import funnel_of
from shared.domain.run_record import RunRecord
from tests.unit.domain.generated_runs import TradeBuilder, finished, record, round_trip, signal


def sample_record() -> RunRecord:
    refused = TradeBuilder("2").open()
    refused.order([], amount=Decimal(1), limit=Decimal(100), end="failed")
    others = [signal("x", reason="cooldown"), signal("y", reason="cooldown"), signal("z", reason="capital")]
    return record(finished([round_trip("1"), refused.close("FAILED")], others))


POSITION = PositionView(
    pair="BTC-USDT",
    levels_filled=2,
    levels=3,
    average_entry=Decimal("98123.45"),
    amount_quote=Decimal("399.99"),
    pnl_quote=Decimal("-3.21"),
    profit=Decimal("-0.008"),
    to_take_profit=Decimal("0.018"),
    to_stop_loss=Decimal("0.032"),
    trailing_trigger=None,
    time_left_s=5400.0,
    closing=False,
)


def view(*positions: PositionView) -> Snapshot:
    run = sample_record()
    return Snapshot(
        at_s=0.0,
        pairs=(
            PairView(
                "recovery_dca_BTC-USDT", "BTC-USDT", Decimal("97654.3"), "3.21% below the 4 h high, buys at 5.00%"
            ),
            PairView("recovery_dca_XRP-USDT", "XRP-USDT", Decimal("0.51234567"), "waiting for candles"),
        ),
        positions=positions,
        funnel=funnel_of(run),
        pnl_quote=Decimal("0.849"),
        fees_quote=Decimal("0.151"),
        last_trades=tuple(run.closed_trades),
    )
