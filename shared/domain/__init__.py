"""Pure rules of trading: no input or output, no clock, no framework. Money is Decimal, time is epoch milliseconds."""
