"""A trade in words: what it is called, what became of it, where its barriers lay."""

from decimal import Decimal

from shared.cli.runs import shown_duration, shown_second
from shared.domain.barriers import barrier_spans
from shared.domain.trades import Trade


def title_of(trade: Trade) -> str:
    """What a trade is, in a line."""
    opened = trade.executor.opened
    return f"Trade {trade.number}: {opened.pair} {opened.side}, {trade.strategy}"


def outcome_of(trade: Trade) -> str:
    """What became of a trade, in a line."""
    if trade.executor.closed is None or trade.closed_ms is None:
        return f"open since {shown_second(trade.opened_ms)} UTC, {trade.levels_filled} of {len(trade.levels)} levels filled"
    cause = f" ({trade.cause})" if trade.cause else ""
    held = shown_duration(trade.closed_ms - trade.opened_ms)
    if trade.pnl_quote is None or trade.profit is None:
        result = f"{trade.left.normalize():f} base left over"
    else:
        quote = trade.executor.opened.pair.split("-")[1]
        result = f"{trade.pnl_quote:+,.4f} {quote} after fees ({trade.profit:+.2%})"
    return f"closed by {trade.executor.closed.close_type}{cause} after {held}: {result}"


def described(trade: Trade) -> str:
    """The picture in words, for those who do not see it."""
    entry = f"{trade.levels_filled} of {len(trade.levels)} levels filled at {shown_price(trade.entry.average_price)} on average"
    left = f", left at {shown_price(trade.exit.average_price)}" if trade.exit else ""
    barriers = "".join(f", {name.lower()} at {price}" for name, price in barriers_of(trade))
    return (
        f"{title_of(trade)}: opened {shown_second(trade.opened_ms)} UTC, {entry}{left}, {outcome_of(trade)}{barriers}."
    )


def barriers_of(trade: Trade) -> list[tuple[str, str]]:
    """Where they lay in the end."""
    span = barrier_spans(trade.executor)[-1]
    prices = (
        ("Take profit", span.take_profit),
        ("Stop loss" if span.stops else "Stop loss, not in force before every level is filled", span.stop_loss),
        ("Trailing stop begins", span.trailing_activation),
    )
    return [(name, shown_price(price)) for name, price in prices if price is not None]


def shown_price(price: Decimal) -> str:
    """A price with as many decimals as its size asks for, quote per base."""
    return f"{price:,.2f}" if price >= 1000 else f"{price:,.4f}" if price >= 1 else f"{price:.6f}"


def shown_amount(amount: Decimal) -> str:
    """An amount of base to six digits, or to its whole units where these are more."""
    return f"{amount:,.0f}" if amount >= 100_000 else f"{Decimal(f'{amount:.6g}').normalize():,f}"
