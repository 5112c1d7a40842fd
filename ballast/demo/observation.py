"""What the demo reads off the chain at each step: everything in one call, at one block."""

from dataclasses import dataclass
from typing import Any

from eth_utils import to_checksum_address
from web3 import Web3

from ballast import mainnet
from ballast.chain import CODEC, View, read_all, unpack, view
from ballast.demo.errors import DemoError
from ballast.deployment import DeploymentResult

WAD = 10**18
#: oracle verdicts in the contract's order
VERDICTS = ("good", "stale", "disputed")


@dataclass(frozen=True)
class VenueState:
    """One lending venue of the strategy."""

    #: assets of the vault there
    assets: int
    #: supply rate now, WAD a year
    rate_wad: int
    #: growth index, RAY
    index_ray: int
    #: share of the whole market that is lent out, WAD
    utilisation_wad: int


@dataclass(frozen=True)
class Observation:
    """The vault and its markets at one block. Amounts in units of the asset."""

    block: int
    timestamp: int
    base_fee_wei: int
    #: assets for one share, WAD
    share_price_wad: int
    total_assets: int
    idle: int
    debt: int
    locked_profit: int
    total_shares: int
    #: assets that lie idle in the strategy itself
    strategy_idle: int
    venues: dict[str, VenueState]
    ether_price_wad: int
    verdict: str
    #: shares and their worth, by holder
    shares: dict[str, int]
    worth: dict[str, int]

    def weights(self) -> dict[str, float]:
        """Share of all assets at each venue, and idle; they add up to 1."""
        held = {name: venue.assets for name, venue in self.venues.items()}
        held["idle"] = self.idle + self.strategy_idle
        whole = sum(held.values())
        return {name: amount / whole if whole else 0.0 for name, amount in held.items()}

    def best_venue(self) -> str:
        """Name of the venue that pays most now."""
        return max(self.venues, key=lambda name: self.venues[name].rate_wad)


class Observer:
    """Reads one deployment with one lending strategy."""

    def __init__(self, web3: Web3, deployment: DeploymentResult, holders: dict[str, str]) -> None:
        at = deployment.addresses
        strategy = deployment.file.strategies[0]
        self._web3 = web3
        self._strategy = at[strategy.name]
        self._holders = holders
        self._venues = [venue.name for venue in strategy.venues]
        share = 10 ** (deployment.file.asset.decimals + 6)
        self._scale = 10**deployment.file.asset.decimals
        vault = at["vault"]
        views = [
            ("block", "uint256", view(mainnet.MULTICALL3, "getBlockNumber()")),
            ("timestamp", "uint256", view(mainnet.MULTICALL3, "getCurrentBlockTimestamp()")),
            ("base_fee", "uint256", view(mainnet.MULTICALL3, "getBasefee()")),
            # 1e12 shares at once, for digits beyond the asset's own
            ("price", "uint256", view(vault, "convertToAssets(uint256)", share * 10**12)),
            ("total", "uint256", view(vault, "totalAssets()")),
            ("idle", "uint256", view(vault, "idle()")),
            ("debt", "uint256", view(vault, "totalDebt()")),
            ("locked", "uint256", view(vault, "lockedProfit()")),
            ("supply", "uint256", view(vault, "totalSupply()")),
            ("strategy_idle", "uint256", view(self._strategy, "idle()")),
            ("holdings", "(uint256[],uint256[])", view(self._strategy, "holdings()")),
            ("oracle", "(uint256,uint8)", view(at["oracle"], "price()")),
            ("aave_free", "uint128", view(mainnet.AAVE_POOL, "getVirtualUnderlyingBalance(address)", mainnet.USDC)),
            ("aave_debt", "uint256", view(_debt_token(web3), "totalSupply()")),
            ("morpho", "(uint128,uint128,uint128,uint128,uint128,uint128)", _morpho_market()),
        ]
        views += [
            (f"index {name}", "uint256", view(at[f"{strategy.name}/{name}"], "indexRay()")) for name in self._venues
        ]
        views += [(f"shares {who}", "uint256", view(vault, "balanceOf(address)", holders[who])) for who in holders]
        self._views = views

    def read(self) -> Observation:
        """Return the state at the latest block.

        Raises
        ------
        DemoError
            A view reverts that should not.
        """
        found = self._read()
        price, verdict = found["oracle"]
        assets, rates = found["holdings"]
        lent = {
            "aave": (found["aave_debt"], found["aave_free"] + found["aave_debt"]),
            "morpho": (found["morpho"][2], found["morpho"][0]),
        }
        venues = {}
        for index, name in enumerate(self._venues):
            borrowed, supplied = lent[name]
            used = borrowed * WAD // supplied if supplied else 0
            venues[name] = VenueState(assets[index], rates[index], found[f"index {name}"], used)
        shares = {who: found[f"shares {who}"] for who in self._holders}
        price_wad = found["price"] * 10**6 // self._scale
        worth = {who: held * price_wad // (WAD * 10**6) for who, held in shares.items()}
        return Observation(
            found["block"],
            found["timestamp"],
            found["base_fee"],
            price_wad,
            found["total"],
            found["idle"],
            found["debt"],
            found["locked"],
            found["supply"],
            found["strategy_idle"],
            venues,
            price,
            VERDICTS[verdict],
            shares,
            worth,
        )

    def _read(self) -> dict[str, Any]:
        answers = read_all(self._web3, [each for _, _, each in self._views])
        found = {}
        for (name, kind, _), answer in zip(self._views, answers, strict=True):
            value = _tuple(answer, kind) if kind.startswith("(") else unpack(answer, kind)
            if value is None:
                raise DemoError(f"the chain doesn't answer when asked for {name}: is the deployment complete?")
            found[name] = value
        return found


def _tuple(answer: tuple[bool, bytes], kind: str) -> Any:
    """Return several return values (not a struct) as a tuple."""
    return CODEC.decode(kind[1:-1].split(","), answer[1]) if answer[0] else None


def _debt_token(web3: Web3) -> str:
    pool = web3.eth.contract(mainnet.AAVE_POOL, abi=mainnet.AAVE_POOL_ABI)
    return to_checksum_address(pool.functions.getReserveData(mainnet.USDC).call()[10])


def _morpho_market() -> View:
    return view(mainnet.MORPHO, "market(bytes32)", bytes.fromhex(mainnet.MORPHO_MARKET_ID_WETH_USDC[2:]))
