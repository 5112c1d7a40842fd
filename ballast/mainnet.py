"""Addresses of Ethereum mainnet that the project uses, and the few functions it calls there.

The replica has the same contracts at the same addresses, so these hold on it and on forks of either.
"""

import re
from typing import Any, Final

from eth_abi.grammar import TupleType, parse

from ballast.errors import ConfigurationError

CHAIN_ID: Final = 1


# Tokens
WETH: Final = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
USDC: Final = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
WETH_DECIMALS: Final = 18
USDC_DECIMALS: Final = 6

# Chainlink feeds (8 decimals)
ETH_USD_FEED: Final = "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419"
USDC_USD_FEED: Final = "0x8fFfFfd4AfB6115b954Bd326cbe7B4BA576818f6"
STETH_USD_FEED: Final = "0xCfE54B5cD566aB89272946F602D76Ea879CAb4a8"

# Uniswap
UNISWAP_V2_FACTORY: Final = "0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"
UNISWAP_V2_ROUTER: Final = "0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D"
UNISWAP_V2_USDC_WETH: Final = "0xB4e16d0168e52d35CaCD2c6185b44281Ec28C9Dc"
UNISWAP_V3_FACTORY: Final = "0x1F98431c8aD98523631AE4a59f267346ea31F984"
UNISWAP_V3_POSITION_MANAGER: Final = "0xC36442b4a4522E871399CD717aBDD847Ab11FE88"
UNISWAP_V3_SWAP_ROUTER: Final = "0xE592427A0AEce92De3Edee1F18E0157C05861564"
UNISWAP_SWAP_ROUTER_02: Final = "0x68b3465833fb72A70ecDF485E0e4C7bD8665Fc45"
UNISWAP_QUOTER_V2: Final = "0x61fFE014bA17989E743c5F6cB21bF9697530B21e"
UNISWAP_V3_USDC_WETH_500: Final = "0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640"  # 0.05%
UNISWAP_V3_USDC_WETH_3000: Final = "0x8ad599c3A0ff1De082011EFDDc58f1908eb6e6D8"  # 0.3%

# Aave v3
AAVE_ADDRESSES_PROVIDER: Final = "0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"
AAVE_POOL: Final = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
AAVE_POOL_CONFIGURATOR: Final = "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27"
AAVE_ORACLE: Final = "0x54586bE62E3c3580375aE3723C145253060Ca0C2"
AAVE_A_WETH: Final = "0x4d5F47FA6A74757f35C14fD3a6Ef8E3C9BC514E8"
AAVE_A_USDC: Final = "0x98C23E9d8f34FEFb1B7BD6a91B7FF122F4e16F5c"

# Morpho Blue and its WETH/USDC market
MORPHO: Final = "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb"
MORPHO_IRM: Final = "0x870aC11D48B15DB9a138Cf899d20F13F79Ba00BC"
MORPHO_ORACLE_WETH_USDC: Final = "0xdC6fd5831277c693b1054e19E94047cB37c77615"
MORPHO_LLTV_WETH_USDC: Final = 860000000000000000  # 86%
#: loan token, collateral token, oracle, interest-rate model, liquidation loan-to-value (WAD)
MORPHO_MARKET_WETH_USDC: Final = (USDC, WETH, MORPHO_ORACLE_WETH_USDC, MORPHO_IRM, MORPHO_LLTV_WETH_USDC)
#: keccak256 of the parameters above
MORPHO_MARKET_ID_WETH_USDC: Final = "0x7dde86a1e94561d9690ec678db673c1a6396365f7d1d65e129c5fff0990ff758"

# Infrastructure
MULTICALL3: Final = "0xcA11bde05977b3631167028862bE2a173976CA11"
PERMIT2: Final = "0x000000000022D473030F116dDEE9F6B43aC78BA3"
CREATE2_DEPLOYER: Final = "0x4e59b44847b379578588920cA78FbF26c0B4956C"

# Safe 1.4.1
SAFE_SINGLETON_FACTORY: Final = "0x914d7Fec6aaC8cd542e72Bca78B30650d45643d7"
SAFE_PROXY_FACTORY: Final = "0x4e1DCf7AD4e460CfD30791CCC4F9c8a4f820ec67"
SAFE_SINGLETON: Final = "0x41675C099F32341bf84BFc5382aF534df5C7461a"
SAFE_L2_SINGLETON: Final = "0x29fcB43b46531BcA003ddC8FCB67FFE91900C762"
SAFE_MULTI_SEND: Final = "0x38869bf66a61cF6bDB996A6aE40D5853Fd43B526"
SAFE_MULTI_SEND_CALL_ONLY: Final = "0x9641d764fc13c8B624c04430C7356C1C7C8102e2"
SAFE_FALLBACK_HANDLER: Final = "0xfd0732Dc9E303f09fCEf3a7388Ad10A83459Ec99"
SAFE_SIGN_MESSAGE_LIB: Final = "0xd53cd0aB83D845Ac265BE939c57F53AD838012c9"
SAFE_CREATE_CALL: Final = "0x9b35Af71d77eaf8d7e40252370304687390A1A52"
SAFE_SIMULATE_TX_ACCESSOR: Final = "0x3d4BA2E0884aa488718476ca2FB8Efc291A46199"


# --- the functions that the project calls on them from Python ---

_SIGNATURE = re.compile(r"(?P<name>\w+)(?P<inputs>\(.*?\))(?P<view> view)?(?: returns (?P<outputs>\(.*\)))?")


def abi(*signatures: str) -> list[dict[str, Any]]:
    """Turn signatures into the ABI entries that web3 and Ape take.

    >>> abi("balanceOf(address) view returns (uint256)")[0]["outputs"]
    [{'type': 'uint256', 'name': ''}]
    """
    entries = []
    for signature in signatures:
        found = _SIGNATURE.fullmatch(signature)
        if not found:
            raise ConfigurationError(f"not a function signature: {signature!r}")
        entries.append(
            {
                "type": "function",
                "name": found["name"],
                "inputs": _parameters(found["inputs"]),
                "outputs": _parameters(found["outputs"] or "()"),
                "stateMutability": "view" if found["view"] else "nonpayable",
            }
        )
    return entries


def _parameters(types: str) -> list[dict[str, Any]]:
    return [] if types == "()" else [_parameter(part) for part in parse(types).components]


def _parameter(kind: Any) -> dict[str, Any]:
    if isinstance(kind, TupleType):
        arrays = "".join("[]" if not size else f"[{size[0]}]" for size in kind.arrlist or ())
        return {"type": f"tuple{arrays}", "name": "", "components": [_parameter(part) for part in kind.components]}
    return {"type": kind.to_type_str(), "name": ""}


ERC20_ABI: Final = abi(
    "balanceOf(address) view returns (uint256)",
    "totalSupply() view returns (uint256)",
    "decimals() view returns (uint8)",
    "symbol() view returns (string)",
    "allowance(address,address) view returns (uint256)",
    "approve(address,uint256) returns (bool)",
    "transfer(address,uint256) returns (bool)",
    "transferFrom(address,address,uint256) returns (bool)",
)
WETH_ABI: Final = [*ERC20_ABI, {**abi("deposit()")[0], "stateMutability": "payable"}, *abi("withdraw(uint256)")]
USDC_ABI: Final = ERC20_ABI + abi(
    "masterMinter() view returns (address)",
    "minterAllowance(address) view returns (uint256)",
    "pauser() view returns (address)",
    "blacklister() view returns (address)",
    "owner() view returns (address)",
    "paused() view returns (bool)",
    "isBlacklisted(address) view returns (bool)",
    "configureMinter(address,uint256) returns (bool)",
    "mint(address,uint256) returns (bool)",
    "pause()",
    "unpause()",
    "blacklist(address)",
    "unBlacklist(address)",
    "DOMAIN_SEPARATOR() view returns (bytes32)",
)
#: `latestRoundData`: round, answer (8 decimals), started at, updated at (seconds), answered in round
FEED_ABI: Final = abi(
    "aggregator() view returns (address)",
    "decimals() view returns (uint8)",
    "description() view returns (string)",
    "latestRoundData() view returns (uint80,int256,uint256,uint256,uint80)",
)
#: Chainlink's FluxAggregator, which is behind the feeds on the replica only
FLUX_AGGREGATOR_ABI: Final = abi(
    "latestRound() view returns (uint256)",
    "getOracles() view returns (address[])",
    "submit(uint256,int256)",
)
#: `getReserveData`: configuration, liquidity index, liquidity rate (ray a year), variable borrow index, variable
#: borrow rate (ray a year), 0, last update, id, aToken, -, variable debt token, rate strategy, accrued to treasury,
#: unbacked, isolated debt. `getUserAccountData`: collateral, debt, available (8 decimals of USD), threshold,
#: loan-to-value (bps), health factor (WAD)
AAVE_POOL_ABI: Final = abi(
    "supply(address,uint256,address,uint16)",
    "withdraw(address,uint256,address) returns (uint256)",
    "borrow(address,uint256,uint256,uint16,address)",
    "repay(address,uint256,uint256,address) returns (uint256)",
    "getReserveData(address) view returns ((uint256,uint128,uint128,uint128,uint128,uint128,uint40,uint16,"
    "address,address,address,address,uint128,uint128,uint128))",
    "getReserveNormalizedIncome(address) view returns (uint256)",
    "getReserveNormalizedVariableDebt(address) view returns (uint256)",
    "getVirtualUnderlyingBalance(address) view returns (uint128)",
    "getUserAccountData(address) view returns (uint256,uint256,uint256,uint256,uint256,uint256)",
    "getReservesList() view returns (address[])",
)
#: `market`: supplied assets and shares, borrowed assets and shares, last update, fee; `position`: supply shares,
#: borrow shares, collateral; market parameters as MORPHO_MARKET_WETH_USDC
MORPHO_ABI: Final = abi(
    "market(bytes32) view returns (uint128,uint128,uint128,uint128,uint128,uint128)",
    "position(bytes32,address) view returns (uint256,uint128,uint128)",
    "idToMarketParams(bytes32) view returns (address,address,address,address,uint256)",
    "supply((address,address,address,address,uint256),uint256,uint256,address,bytes) returns (uint256,uint256)",
    "withdraw((address,address,address,address,uint256),uint256,uint256,address,address) returns (uint256,uint256)",
    "borrow((address,address,address,address,uint256),uint256,uint256,address,address) returns (uint256,uint256)",
    "repay((address,address,address,address,uint256),uint256,uint256,address,bytes) returns (uint256,uint256)",
    "supplyCollateral((address,address,address,address,uint256),uint256,address,bytes)",
    "withdrawCollateral((address,address,address,address,uint256),uint256,address,address)",
    "accrueInterest((address,address,address,address,uint256))",
)
#: rates in WAD a second
MORPHO_IRM_ABI: Final = abi(
    "rateAtTarget(bytes32) view returns (int256)",
    "borrowRateView((address,address,address,address,uint256),(uint128,uint128,uint128,uint128,uint128,uint128))"
    " view returns (uint256)",
)
MORPHO_ORACLE_ABI: Final = abi("price() view returns (uint256)")
#: `slot0`: sqrt price X96, tick, observation index, cardinality, next cardinality, protocol fee, unlocked
UNISWAP_V3_POOL_ABI: Final = abi(
    "slot0() view returns (uint160,int24,uint16,uint16,uint16,uint8,bool)",
    "liquidity() view returns (uint128)",
    "fee() view returns (uint24)",
    "ticks(int24) view returns (uint128,int128,uint256,uint256,int56,uint160,uint32,bool)",
    "observe(uint32[]) view returns (int56[],uint160[])",
)
#: `exactInputSingle`: token in, token out, fee, recipient, amount in, least out, sqrt price limit X96;
#: `exactOutputSingle`: amount out, most in
UNISWAP_SWAP_ROUTER_02_ABI: Final = abi(
    "exactInputSingle((address,address,uint24,address,uint256,uint256,uint160)) returns (uint256)",
    "exactOutputSingle((address,address,uint24,address,uint256,uint256,uint160)) returns (uint256)",
    "swapExactTokensForTokens(uint256,uint256,address[],address) returns (uint256)",
)
#: `mint`: token 0 and 1, fee, lower and upper tick, amounts wanted, least amounts, recipient, deadline;
#: `decreaseLiquidity`: id, liquidity, least amounts, deadline; `positions`: …, lower tick, upper tick, liquidity, …
UNISWAP_V3_POSITION_MANAGER_ABI: Final = abi(
    "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
    " returns (uint256,uint128,uint256,uint256)",
    "decreaseLiquidity((uint256,uint128,uint256,uint256,uint256)) returns (uint256,uint256)",
    "positions(uint256) view returns (uint96,address,address,address,uint24,int24,int24,uint128,uint256,uint256,"
    "uint128,uint128)",
    "ownerOf(uint256) view returns (address)",
)
#: `quoteExactInputSingle`: token in, token out, amount in, fee, sqrt price limit X96 -> amount out, price, ticks, gas
UNISWAP_QUOTER_V2_ABI: Final = abi(
    "quoteExactInputSingle((address,address,uint256,uint24,uint160)) returns (uint256,uint160,uint32,uint256)",
)
UNISWAP_V2_PAIR_ABI: Final = abi("getReserves() view returns (uint112,uint112,uint32)")
