"""REDEEM_REVERTS: InsufficientLiquidity(27068, 27067)

Found by `make fuzz-bench, by the handlers in forge`.
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
            "listed": 3,
            "volatile": 4,
            "target": 3000,
            "band": 10,
            "cap": 340282366920938463463374607431768211455,
            "cap_bps": 10000,
            "risk_bps": 10000,
        },
    ),
    ("deposit", {"who": 1, "assets": 66668}),
    ("rebalance", {}),
    ("fail", {"which": 2, "fault": 1}),
    ("yields", {"which": 0, "bps": 1}),
    ("redeem", {"who": 1, "part": 58}),
]


def test_vault__redeem_reverts_insufficientliquidity_e158ab(chain):
    holds_on(chain.provider.http_uri, MACHINE, STEPS)
