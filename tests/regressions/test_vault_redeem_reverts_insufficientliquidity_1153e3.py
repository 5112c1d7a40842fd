"""REDEEM_REVERTS: InsufficientLiquidity(332, 331)

Found by `ape run fuzz campaign --machine vault --seed 7 --steps 1000000`.
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
            "listed": 1,
            "volatile": 0,
            "target": 3000,
            "band": 10,
            "cap": 340282366920938463463374607431768211455,
            "cap_bps": 10000,
            "risk_bps": 10000,
        },
    ),
    ("mint", {"who": 2, "shares": 436000001}),
    ("rebalance", {}),
    ("deposit", {"who": 0, "assets": 1}),
    ("request", {"who": 0, "part": 1}),
    ("lose", {"which": 0, "part": 81}),
    ("redeem", {"who": 2, "part": 76}),
]


def test_vault__redeem_reverts_insufficientliquidity_1153e3(chain):
    holds_on(chain.provider.http_uri, MACHINE, STEPS)
