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
