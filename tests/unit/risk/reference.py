"""The same mathematics by other means: decimals of sixty digits, series and continued fractions."""

from decimal import Decimal, localcontext

WAD = 10**18
DIGITS = 60
#: the first digits of pi, to sixty places
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
YEAR = 365 * 86_400


def density(z: Decimal) -> Decimal:
    """Density of the standard normal distribution."""
    with localcontext(prec=DIGITS):
        return (-z * z / 2).exp() / (2 * PI).sqrt()


def upper_tail(z: Decimal) -> Decimal:
    """Probability that a standard normal variable exceeds z >= 0, to about fifty digits of its own."""
    with localcontext(prec=DIGITS + 30):
        if z < 4:
            # Abramowitz and Stegun 26.2.11
            term = total = z
            n = 1
            while abs(term) > Decimal(10) ** -(DIGITS + 25):
                n += 2
                term = term * z * z / n
                total += term
            return Decimal("0.5") - density(z) * total
        # Laplace's continued fraction, Abramowitz and Stegun 26.2.14
        fraction = z
        for k in range(400, 0, -1):
            fraction = z + k / fraction
        return density(z) / fraction


def quantile_error(z: Decimal, upper: Decimal) -> Decimal:
    """How far z >= 0 is from the true quantile, whose upper tail is `upper`: one step of Newton's."""
    with localcontext(prec=DIGITS):
        return (upper_tail(z) - upper) / -density(z)


def two_sided(epsilon: Decimal, start: Decimal) -> Decimal:
    """The z that is exceeded in absolute value with probability `epsilon`, from a start that is near."""
    z = start
    for _ in range(4):
        z -= quantile_error(z, epsilon / 2)
    return z


def lowest_health_factor(sigma: Decimal, seconds: int, epsilon: Decimal, jump: Decimal, start: Decimal) -> Decimal:
    """exp(sigma x sqrt(tau) x z(1 - epsilon / 2)) x jump; `start` is near z."""
    with localcontext(prec=DIGITS):
        return (sigma * (Decimal(seconds) / YEAR).sqrt() * two_sided(epsilon, start)).exp() * jump


#: of root prices: their differences may be 2^-160 of them
ROOT_DIGITS = 120


def root_at_tick(tick: int) -> Decimal:
    """1.0001^(tick / 2)."""
    with localcontext(prec=ROOT_DIGITS):
        return Decimal("1.0001").sqrt() ** tick


def root_at_price(price: Decimal, base_is_token0: bool, base_decimals: int, asset_decimals: int) -> Decimal:
    """A pool's root price, token1 per token0 in smallest units, at a price in whole asset per whole base."""
    with localcontext(prec=ROOT_DIGITS):
        root = (price * Decimal(10) ** (asset_decimals - base_decimals)).sqrt()
        return root if base_is_token0 else 1 / root


def exposure(
    liquidity: int,
    lower: Decimal,
    upper: Decimal,
    root: Decimal,
    base_is_token0: bool,
    base_decimals: int,
    asset_decimals: int,
) -> tuple[Decimal, Decimal, Decimal]:
    """Delta, gamma and gamma for a 1 % move of a range, by the formulas of the white paper in the price of the base.

    In whole base units; all three are Decimals of full length.
    """
    with localcontext(prec=ROOT_DIGITS):
        # in the price of base, in smallest units
        if base_is_token0:
            low, high, price = lower, upper, root
        else:
            low, high, price = 1 / upper, 1 / lower, 1 / root
        held = liquidity * (1 / min(max(price, low), high) - 1 / high)
        unit = Decimal(10) ** base_decimals
        per_price = Decimal(10) ** (base_decimals - asset_decimals)
        active = lower <= root < upper
        gamma = -Decimal(liquidity) / (2 * price**3) if active else Decimal(0)
        # d(held) / d(whole price): a whole price is 10^(asset - base) smallest ones
        return held / unit, gamma / unit / per_price, gamma * price**2 / 100 / unit
