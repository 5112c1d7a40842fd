"""The inverse normal distribution function, held against the function itself by series and continued fractions."""

import itertools
import math
import random
from decimal import Decimal

import pytest

from ballast.fuzz.chain import Reverted
from tests.unit.risk import reference

WAD = reference.WAD
#: where the algorithm changes its polynomials: |p - 1/2| = 0.425, and -ln p = 25
SEAMS = [75 * WAD // 1000, round(math.exp(-25) * WAD)]
MOST_ERROR = Decimal("1e-14")


def sample():
    draw = random.Random(5)
    points = {1, 2, 3, 999, 1000, 1001, WAD // 2 - 1, WAD // 2, *range(1, 40)}
    points |= {seam + step for seam in SEAMS for step in range(-3, 4)}
    points |= {round(10 ** draw.uniform(0, math.log10(WAD / 2))) for _ in range(300)}
    points |= {draw.randrange(1, WAD // 2) for _ in range(200)}
    return sorted(points)


def test_reference__is_the_distribution_that_the_machine_knows_to_fifteen_digits():
    for z in (0.0, 0.3, 1.0, 1.96, 3.9, 3.9999, 4.0001, 5.0, 8.5):
        assert float(reference.upper_tail(Decimal(z))) == pytest.approx(math.erfc(z / math.sqrt(2)) / 2, rel=1e-13)


def test_quantile__is_within_1e_14_of_the_true_one_over_all_probabilities_of_a_wad(maths):
    points = sample()
    worst = Decimal(0)
    for p, z in zip(points, maths.quantiles(points), strict=True):
        assert z <= 0
        error = abs(reference.quantile_error(Decimal(-z) / WAD, Decimal(p) / WAD))
        worst = max(worst, error)
        assert error < MOST_ERROR, p
    print(f"largest error of {len(points)} quantiles: {worst:.2e}")


def test_quantile__of_the_other_side_is_the_same_with_the_other_sign(maths):
    points = sample()
    assert maths.quantiles([WAD - p for p in points]) == tuple(-z for z in maths.quantiles(points))


def test_quantile__never_falls_as_the_probability_rises(maths):
    near = [p for seam in SEAMS for p in range(seam - 200, seam + 200)]
    points = sorted({*sample(), *near})
    found = maths.quantiles(points)
    assert all(a <= b for a, b in itertools.pairwise(found))


def test_quantile__known_values(maths):
    # NIST/SEMATECH e-Handbook 1.3.6.7.1, to the digits of a float: 97.5 %, 99 %, 99.9 %
    z = maths.quantiles([975 * 10**15, 99 * 10**16, 999 * 10**15, WAD // 2])
    assert [each / WAD for each in z] == pytest.approx([1.959963984540054, 2.3263478740408408, 3.090232306167813, 0])


def test_two_sided__is_the_quantile_of_half_the_risk_without_rounding_it(maths):
    points = [1, 3, 5, 10**6, 10**14, WAD // 2, WAD - 1]
    for epsilon, z in zip(points, maths.twoSided(points), strict=True):
        error = reference.quantile_error(Decimal(z) / WAD, Decimal(epsilon) / WAD / 2)
        assert abs(error) < MOST_ERROR, epsilon


@pytest.mark.parametrize("function", ["quantiles", "twoSided"])
@pytest.mark.parametrize("wrong", [0, WAD, WAD + 1, 2**256 - 1])
def test_quantile__of_what_is_no_probability_between_0_and_1_is_refused(maths, function, wrong):
    with pytest.raises(Reverted) as caught:
        getattr(maths, function)([wrong])
    assert (caught.value.name, caught.value.values) == ("NoQuantile", (wrong, 1, WAD - 1))
