"""What all members of the crowd share: sending as themselves, money when it runs short, the clock."""

import time
from dataclasses import dataclass
from typing import Any

from web3 import Web3
from web3.exceptions import Web3Exception

from ballast import mainnet
from ballast.errors import BallastError
from ballast.replica.manifest import actor

WAD = 10**18
_GAS = 3_000_000
_ETHER_FOR_GAS = 10**18


class MarketError(BallastError):
    """A market cannot be moved as asked."""


@dataclass(frozen=True)
class LendingState:
    """A lending market at the latest block, interest since its last accrual included."""

    name: str
    #: loan units lent by suppliers, debt included
    supplied: int
    #: loan units owed by borrowers
    borrowed: int
    #: fraction a year (WAD), simple
    borrow_rate_wad: int
    #: fraction a year (WAD), simple, after the protocol's share
    supply_rate_wad: int

    @property
    def utilisation_wad(self) -> int:
        """Borrowed over supplied (WAD); 0 for an empty market."""
        return self.borrowed * WAD // self.supplied if self.supplied else 0


def connect(rpc: str) -> Web3:
    """Connect to a node."""
    return Web3(Web3.HTTPProvider(rpc, request_kwargs={"timeout": 60}))


def require_crowd(w3: Web3) -> None:
    """Refuse a chain on which the seeded crowd doesn't exist."""
    feed = w3.eth.contract(mainnet.ETH_USD_FEED, abi=mainnet.FEED_ABI)
    oracles: list[str] = []
    if w3.eth.get_code(mainnet.ETH_USD_FEED):
        aggregator = w3.eth.contract(feed.functions.aggregator().call(), abi=mainnet.FLUX_AGGREGATOR_ABI)
        try:
            oracles = aggregator.functions.getOracles().call()
        except Web3Exception:
            # mainnet's own aggregator has no such function
            oracles = []
    if actor("chainlink_oracle_1") not in oracles:
        raise MarketError("no crowd on this chain: start the replica, or name one of its forks with --rpc")


def request(w3: Web3, method: str, *params: Any) -> Any:
    """Call an RPC method that web3 has no function for."""
    answer = w3.provider.make_request(method, list(params))
    if "error" in answer:
        raise MarketError(f"{method}: {answer['error'].get('message', answer['error'])}")
    return answer["result"]


def send(w3: Web3, sender: str, call: Any, *, value: int = 0) -> Any:
    """Send a contract call as `sender`, whose key nobody has, and return the receipt.

    Raises
    ------
    MarketError
        The call reverted, or the node is not an anvil.
    """
    request(w3, "anvil_impersonateAccount", sender)
    if w3.eth.get_balance(sender) < value + _ETHER_FOR_GAS:
        request(w3, "anvil_setBalance", sender, hex(value + 100 * _ETHER_FOR_GAS))
    # all fields given, so that web3 asks the node for none
    fields = {"from": sender, "value": value, "gas": _GAS, "gasPrice": 0, "nonce": 0, "chainId": 1}
    built = call.build_transaction(fields)
    transaction = {"from": sender, "to": built["to"], "data": built["data"], "gas": hex(_GAS), "value": hex(value)}
    sent = request(w3, "eth_sendTransaction", transaction)
    request(w3, "anvil_stopImpersonatingAccount", sender)
    for attempt in range(200):
        receipt = request(w3, "eth_getTransactionReceipt", sent)
        if receipt:
            break
        time.sleep(0.001 * (attempt + 1))
    else:
        raise MarketError(f"{call.fn_name} by {sender} was not mined: is automatic mining off?")
    if int(receipt["status"], 16) != 1:
        answer = w3.provider.make_request("eth_call", [transaction, "latest"])
        reason = answer.get("error", {}).get("message", "no reason given")
        raise MarketError(f"{call.fn_name} by {sender} reverted: {reason}")
    return receipt


def pass_time(w3: Web3, seconds: int, *, blocks: int = 1) -> int:
    """Let `seconds` pass, spread over `blocks` blocks; return the timestamp of the last."""
    if seconds < blocks or blocks < 1:
        raise MarketError(f"{seconds} s cannot be spread over {blocks} blocks: each takes a second or more")
    start = w3.eth.get_block("latest")["timestamp"]
    for number in range(1, blocks + 1):
        request(w3, "evm_setNextBlockTimestamp", start + seconds * number // blocks)
        request(w3, "evm_mine")
    return start + seconds


def usdc(w3: Web3) -> Any:
    """Return the USDC contract."""
    return w3.eth.contract(mainnet.USDC, abi=mainnet.USDC_ABI)


def weth(w3: Web3) -> Any:
    """Return the WETH contract."""
    return w3.eth.contract(mainnet.WETH, abi=mainnet.WETH_ABI)


def provide_usdc(w3: Web3, who: str, amount: int) -> None:
    """Mint what `who` lacks to hold `amount` USDC units; works on forks of a real node too."""
    token, minter = usdc(w3), actor("usdc_minter")
    lacking = amount - token.functions.balanceOf(who).call()
    if lacking <= 0:
        return
    if token.functions.minterAllowance(minter).call() < lacking:
        send(w3, token.functions.masterMinter().call(), token.functions.configureMinter(minter, 2**255))
    send(w3, minter, token.functions.mint(who, lacking))


def provide_weth(w3: Web3, who: str, amount: int) -> None:
    """Wrap the ether that `who` lacks to hold `amount` WETH units."""
    held = weth(w3).functions.balanceOf(who).call()
    if held < amount:
        send(w3, who, weth(w3).functions.deposit(), value=amount - held)


def allow(w3: Web3, who: str, token: Any, spender: str, amount: int) -> None:
    """Let `spender` take `amount` of `token` from `who`, if it may not yet."""
    if token.functions.allowance(who, spender).call() < amount:
        send(w3, who, token.functions.approve(spender, 2**256 - 1))


def shares(total: int, weights: list[int]) -> list[int]:
    """Split `total` in proportion to `weights`; the parts add up exactly."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    parts[weights.index(max(weights))] += total - sum(parts)
    return parts


def check_amount(amount: int) -> None:
    """Refuse an amount that is no positive whole number of units."""
    if not isinstance(amount, int) or amount <= 0:
        raise MarketError(f"an amount is a positive whole number of units, not {amount!r}")


def check_utilisation(target_wad: int) -> None:
    """Refuse a utilisation outside 0 to 1."""
    if not isinstance(target_wad, int) or not 0 <= target_wad <= WAD:
        raise MarketError(f"a utilisation is a WAD from 0 to {WAD}, not {target_wad!r}")
