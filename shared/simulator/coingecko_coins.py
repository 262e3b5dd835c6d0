"""Coins that the local venue's CoinGecko lists: ids, symbols and names as CoinGecko has them.

Symbols are ambiguous there: a bridged or wrapped copy of a coin carries the symbol of the coin itself.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coin:
    """One coin.

    Attributes:
        id: How it is asked for, "bitcoin".
        symbol: In lower case, "btc"; not unique.
        name: For people.
        base: Of the venue's pair that it is the price of, "BTC"; empty for a copy, which has no price here.
    """

    id: str
    symbol: str
    name: str
    base: str


_COINS = {
    "BTC": ("bitcoin", "Bitcoin"), "ETH": ("ethereum", "Ethereum"), "BNB": ("binancecoin", "BNB"),
    "SOL": ("solana", "Solana"), "XRP": ("ripple", "XRP"), "ADA": ("cardano", "Cardano"),
    "DOGE": ("dogecoin", "Dogecoin"), "DOT": ("polkadot", "Polkadot"), "AVAX": ("avalanche-2", "Avalanche"),
    "LINK": ("chainlink", "Chainlink"), "LTC": ("litecoin", "Litecoin"),
    "POL": ("polygon-ecosystem-token", "POL (ex-MATIC)"), "MATIC": ("matic-network", "Polygon"),
    "TRX": ("tron", "TRON"), "ATOM": ("cosmos", "Cosmos Hub"), "UNI": ("uniswap", "Uniswap"),
    "NEAR": ("near", "NEAR Protocol"), "APT": ("aptos", "Aptos"), "FIL": ("filecoin", "Filecoin"),
    "ETC": ("ethereum-classic", "Ethereum Classic"), "BCH": ("bitcoin-cash", "Bitcoin Cash"),
    "XLM": ("stellar", "Stellar"), "ALGO": ("algorand", "Algorand"), "ARB": ("arbitrum", "Arbitrum"),
    "OP": ("optimism", "Optimism"), "SUI": ("sui", "Sui"), "AAVE": ("aave", "Aave"),
    "INJ": ("injective-protocol", "Injective"), "ICP": ("internet-computer", "Internet Computer"),
    "HBAR": ("hedera-hashgraph", "Hedera"), "VET": ("vechain", "VeChain"), "SAND": ("the-sandbox", "The Sandbox"),
}  # fmt: skip
_COPIES = (
    Coin("osmosis-allbtc", "btc", "Osmosis allBTC", ""),
    Coin("wrapped-solana", "sol", "Wrapped SOL", ""),
    Coin("bridged-chainlink-lightlink", "link", "Bridged Chainlink (Lightlink)", ""),
    Coin("binance-peg-xrp", "xrp", "Binance-Peg XRP", ""),
    Coin("binance-peg-dogecoin", "doge", "Binance-Peg Dogecoin", ""),
    Coin("unicorn-token", "uni", "UNICORN Token", ""),
)


def coins(bases: list[str]) -> list[Coin]:
    """The coins of these bases and the copies of any, by id. A base without a known id is its own, in lower case."""
    listed = []
    for base in bases:
        identity, name = _COINS.get(base, (base.lower(), base))
        listed.append(Coin(identity, base.lower(), name, base))
    symbols = {coin.symbol for coin in listed}
    listed.extend(copy for copy in _COPIES if copy.symbol in symbols)
    return sorted(listed, key=lambda coin: coin.id)
