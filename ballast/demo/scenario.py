"""What happens around the vault: borrowers, prices and gas over the days. Pure; the same seed gives the same story.

Borrowers crowd into one lending market, then into the other, so that the better one changes every few days. Prices walk
at random near where they began; the base fee follows the hours of a day.
"""

import math
import random
from dataclasses import dataclass

DAY = 86400
#: seconds from one visit of the keeper to the next
STEP_SECONDS = 4 * 3600
STEPS_PER_DAY = DAY // STEP_SECONDS
MIN_DAYS, MAX_DAYS = 3, 90
#: days for which borrowers prefer one market
PHASE_DAYS = 6

_WAD = 10**18
_GWEI = 10**9
#: utilisation that borrowers aim at on Aave and on Morpho, phase after phase, then from the start again
_PHASES = ((0.45, 0.89), (0.87, 0.72), (0.45, 0.92), (0.90, 0.70), (0.48, 0.925))
_UTILISATION_NOISE = 0.004
#: how much of the way to its aim a market goes at each move
_APPROACH = 0.6
_DAILY_MOVE = 0.012
_RETURN = 0.15
_LOWEST_GWEI, _HIGHEST_GWEI = 2.0, 20.0


@dataclass(frozen=True)
class Step:
    """The world during the hours up to one visit of the keeper."""

    number: int
    #: seconds since the start
    elapsed: int
    base_fee_wei: int
    #: dollars for one ether, relative to the start, WAD; None while it stays
    ether_wad: int | None
    #: dollars for one USDC, 8 decimals; None while it stays
    usdc_usd: int | None
    #: utilisation to bring about, by market (WAD); markets left alone are not in it
    utilisation_wad: dict[str, int]

    @property
    def day(self) -> float:
        """Days since the start."""
        return self.elapsed / DAY


def steps(days: int, seed: int) -> list[Step]:
    """Return the steps of a story.

    Parameters
    ----------
    days : length, MIN_DAYS to MAX_DAYS
    seed : any whole number
    """
    dice = random.Random(seed)
    now = dict(zip(("aave", "morpho"), _PHASES[0], strict=True))
    ether, mood = 1.0, 0.0
    found = []
    for number in range(1, days * STEPS_PER_DAY + 1):
        day = (number - 1) / STEPS_PER_DAY
        aims = _PHASES[int(day // PHASE_DAYS) % len(_PHASES)]
        moved: dict[str, int] = {}
        # each market twice a day, in turn
        name = {0: "aave", 1: "morpho"}.get((number - 1) % (STEPS_PER_DAY // 2))
        if name:
            aim = aims[0] if name == "aave" else aims[1]
            now[name] += _APPROACH * (aim - now[name]) + dice.uniform(-_UTILISATION_NOISE, _UTILISATION_NOISE)
            moved[name] = _wad(now[name])
        new_day = (number - 1) % STEPS_PER_DAY == 0
        if new_day:
            ether *= 1 + dice.gauss(0, _DAILY_MOVE) - _RETURN * (ether - 1)
            mood = dice.uniform(0.3, 1.0)
        hour = (number * STEP_SECONDS / 3600) % 24
        busy = 0.5 + 0.5 * math.sin(2 * math.pi * (hour - 9) / 24)  # most is going on at 15 h
        gwei = _LOWEST_GWEI + (_HIGHEST_GWEI - _LOWEST_GWEI) * mood * (0.15 + 0.85 * busy) * dice.uniform(0.75, 1.0)
        found.append(
            Step(
                number,
                number * STEP_SECONDS,
                round(gwei * 1000) * (_GWEI // 1000),
                _wad(ether) if new_day else None,
                10**8 + dice.randint(-20_000, 20_000) if new_day else None,
                moved,
            )
        )
    return found


def _wad(value: float) -> int:
    return int(round(value, 9) * 10**9) * (_WAD // 10**9)
