"""VAULT_GROWTH: the share price grows no faster than the cap a year on net assets and deficit, but for what makes good
a loss (from 1 for 1000000 shares to 1635 for 1000000 in 1 s)

Found by `ape run fuzz campaign --machine vault --seed 1 --steps 260000`.
"""

from ballast.fuzz.regression import holds_on

MACHINE = "vault"
STEPS = [
    (
        "setup",
        {
            "decimals": 0,
            "performance": 0,
            "management": 0,
            "growth": 65535,
            "unlock": 864000,
            "due": 86400,
            "budget": 100,
            "window": 86400,
            "listed": 2,
            "volatile": 0,
            "target": 1000,
            "band": 10,
            "cap": 340282366920938463463374607431768211455,
            "cap_bps": 10000,
            "risk_bps": 10000,
        },
    ),
    ("deposit", {"who": 2, "assets": 7776340472541}),
    ("earn", {"which": 0, "assets": 3898230177}),
    ("rebalance", {}),
    ("lose", {"which": 1, "part": 1}),
    ("earn", {"which": 0, "assets": 156289915835567}),
    ("redeem_in_kind", {"who": 2, "part": 100}),
    ("rebalance", {}),
    ("wait", {"seconds": 1}),
]


def test_vault__vault_growth_824a16(chain):
    holds_on(chain.provider.http_uri, MACHINE, STEPS)
