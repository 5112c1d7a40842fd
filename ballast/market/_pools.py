"""The crowd's trader: keeps the Uniswap pools near a price."""

from math import isqrt

from web3 import Web3

from ballast import mainnet
from ballast.market._crowd import WAD, MarketError, allow, provide_usdc, provide_weth, send, usdc, weth
from ballast.replica.manifest import actor

V3_POOLS = (mainnet.UNISWAP_V3_USDC_WETH_500, mainnet.UNISWAP_V3_USDC_WETH_3000)
#: a pool's price is left alone within this fraction of the wanted one (WAD)
_CLOSE_WAD = WAD // 10_000
_SIX_TO_EIGHTEEN = 10 ** (mainnet.WETH_DECIMALS - mainnet.USDC_DECIMALS)
#: what the trader brings to a swap; a pool takes only what the price needs
_USDC_PURSE = 500_000_000 * 10**mainnet.USDC_DECIMALS
_WETH_PURSE = 300_000 * 10**mainnet.WETH_DECIMALS


def pool_price_wad(w3: Web3, pool: str) -> int:
    """Read the spot price of a USDC/WETH pool, v2 or v3: USDC for one WETH (WAD)."""
    if pool == mainnet.UNISWAP_V2_USDC_WETH:
        reserves = w3.eth.contract(pool, abi=mainnet.UNISWAP_V2_PAIR_ABI).functions.getReserves().call()
        return reserves[0] * _SIX_TO_EIGHTEEN * WAD // reserves[1]
    root = w3.eth.contract(pool, abi=mainnet.UNISWAP_V3_POOL_ABI).functions.slot0().call()[0]
    return _SIX_TO_EIGHTEEN * WAD * 2**192 // root**2


def swap_to_price(w3: Web3, pool: str, price_wad: int) -> bool:
    """Trade until the spot price of `pool` is `price_wad` (USDC for one WETH, WAD); return whether it traded.

    The v2 pair stays within its fee of the wanted price.
    """
    if not isinstance(price_wad, int) or price_wad <= 0:
        raise MarketError(f"a price is a positive WAD, not {price_wad!r}")
    now = pool_price_wad(w3, pool)
    if abs(now - price_wad) * WAD <= _CLOSE_WAD * price_wad:
        return False
    if pool == mainnet.UNISWAP_V2_USDC_WETH:
        return _swap_v2(w3, price_wad, buys_weth=now < price_wad)
    _swap_v3(w3, pool, price_wad, buys_weth=now < price_wad)
    return True


def keep_pools_near(w3: Web3, price_wad: int) -> int:
    """Bring all three pools to `price_wad`; return how many were traded in."""
    return sum(swap_to_price(w3, pool, price_wad) for pool in (*V3_POOLS, mainnet.UNISWAP_V2_USDC_WETH))


def _swap_v3(w3: Web3, pool: str, price_wad: int, *, buys_weth: bool) -> None:
    trader = actor("uniswap_trader")
    fee = w3.eth.contract(pool, abi=mainnet.UNISWAP_V3_POOL_ABI).functions.fee().call()
    limit = isqrt(_SIX_TO_EIGHTEEN * WAD * 2**192 // price_wad)
    paid, bought = (mainnet.USDC, mainnet.WETH) if buys_weth else (mainnet.WETH, mainnet.USDC)
    purse = _provide(w3, trader, buys_weth=buys_weth)
    router = w3.eth.contract(mainnet.UNISWAP_SWAP_ROUTER_02, abi=mainnet.UNISWAP_SWAP_ROUTER_02_ABI)
    send(w3, trader, router.functions.exactInputSingle((paid, bought, fee, trader, purse, 0, limit)))


def _swap_v2(w3: Web3, price_wad: int, *, buys_weth: bool) -> bool:
    trader = actor("uniswap_trader")
    pair = w3.eth.contract(mainnet.UNISWAP_V2_USDC_WETH, abi=mainnet.UNISWAP_V2_PAIR_ABI)
    usdc_held, weth_held, _ = pair.functions.getReserves().call()
    # amount in that leaves reserves at the wanted ratio, when 0.3% of it stays out of the product
    top, bottom = (price_wad, _SIX_TO_EIGHTEEN * WAD) if buys_weth else (_SIX_TO_EIGHTEEN * WAD, price_wad)
    held = usdc_held if buys_weth else weth_held
    amount = isqrt(usdc_held * weth_held * 1000 * top // (997 * bottom)) - held * 1000 // 997
    if amount <= 0:
        return False
    path = [mainnet.USDC, mainnet.WETH] if buys_weth else [mainnet.WETH, mainnet.USDC]
    _provide(w3, trader, buys_weth=buys_weth)
    router = w3.eth.contract(mainnet.UNISWAP_SWAP_ROUTER_02, abi=mainnet.UNISWAP_SWAP_ROUTER_02_ABI)
    send(w3, trader, router.functions.swapExactTokensForTokens(amount, 0, path, trader))
    return True


def _provide(w3: Web3, trader: str, *, buys_weth: bool) -> int:
    if buys_weth:
        provide_usdc(w3, trader, _USDC_PURSE)
        allow(w3, trader, usdc(w3), mainnet.UNISWAP_SWAP_ROUTER_02, _USDC_PURSE)
        return _USDC_PURSE
    provide_weth(w3, trader, _WETH_PURSE)
    allow(w3, trader, weth(w3), mainnet.UNISWAP_SWAP_ROUTER_02, _WETH_PURSE)
    return _WETH_PURSE
