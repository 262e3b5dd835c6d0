"""Coins that the local venue's CoinGecko lists: ids, symbols and names as CoinGecko has them.

Symbols are ambiguous there: a bridged or wrapped copy of a coin carries the coin's own symbol and costs the same. All of it
together is worth next to nothing, which is how the two are told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coin:
    """One coin.

    Attributes:
        id: How it is asked for, "bitcoin".
        symbol: In lower case, "btc"; not unique.
        name: For people.
        base: What it costs is what this costs, "BTC".
        supply: How much of it there is; made up.
    """

    id: str
    symbol: str
    name: str
    base: str
    supply: float


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
    ("osmosis-allbtc", "Osmosis allBTC", "BTC"),
    ("wrapped-solana", "Wrapped SOL", "SOL"),
    ("bridged-chainlink-lightlink", "Bridged Chainlink (Lightlink)", "LINK"),
    ("binance-peg-xrp", "Binance-Peg XRP", "XRP"),
    ("binance-peg-dogecoin", "Binance-Peg Dogecoin", "DOGE"),
)
_SUPPLY, _COPY_SUPPLY = 20_000_000.0, 1_000.0
TETHER = Coin("tether", "usdt", "Tether", "USDT", _SUPPLY)
"""What most of the venue's pairs are quoted in."""


def coins(bases: Sequence[str]) -> list[Coin]:
    """The coins of these bases, the copies of any, and Tether, by id. A base without a known id is its own, in lower case."""
    listed = [TETHER]
    for base in bases:
        identity, name = _COINS.get(base, (base.lower(), base))
        listed.append(Coin(identity, base.lower(), name, base, _SUPPLY))
    for identity, name, base in _COPIES:
        if base in bases:
            listed.append(Coin(identity, base.lower(), name, base, _COPY_SUPPLY))
    return sorted(listed, key=lambda coin: coin.id)
