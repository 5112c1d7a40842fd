"""The crowd's oracles: they push rounds to the Chainlink feeds."""

from web3 import Web3

from ballast import mainnet
from ballast.market._crowd import MarketError, require_crowd, send


def push_round(w3: Web3, feed: str, answer: int) -> int:
    """Let every oracle of `feed` report `answer` (8 decimals); return the feed's new round id."""
    if not isinstance(answer, int) or answer <= 0:
        raise MarketError(f"an answer is a positive whole number with 8 decimals, not {answer!r}")
    require_crowd(w3)
    proxy = w3.eth.contract(feed, abi=mainnet.FEED_ABI)
    aggregator = w3.eth.contract(proxy.functions.aggregator().call(), abi=mainnet.FLUX_AGGREGATOR_ABI)
    number = aggregator.functions.latestRound().call() + 1
    for oracle in aggregator.functions.getOracles().call():
        send(w3, oracle, aggregator.functions.submit(number, answer))
    return proxy.functions.latestRoundData().call()[0]


def push_prices(w3: Web3, *, eth_usd: int | None = None, usdc_usd: int | None = None) -> dict[str, int]:
    """Push a round to both feeds; a price left out (8 decimals) is reported again as it was.

    Returns
    -------
    dict
        The answers pushed, by feed: `eth_usd`, `usdc_usd`.
    """
    wanted = {"eth_usd": (mainnet.ETH_USD_FEED, eth_usd), "usdc_usd": (mainnet.USDC_USD_FEED, usdc_usd)}
    pushed = {}
    for name, (feed, answer) in wanted.items():
        if answer is None:
            answer = w3.eth.contract(feed, abi=mainnet.FEED_ABI).functions.latestRoundData().call()[1]
        push_round(w3, feed, answer)
        pushed[name] = answer
    return pushed
