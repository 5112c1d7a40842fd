"""VAULT_BUDGET: rebalances lose no more than the loss budget in any window (1116649740562281 lost in a window, the
budget is 1000000000000000)

Found by `hand, after ape run fuzz campaign had found a window in which a little too much was lost`.
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
            "budget": 10,
            "window": 86400,
            "listed": 1,
            "volatile": 0,
            "target": 10000,
            "band": 10,
            "cap": 340282366920938463463374607431768211455,
            "cap_bps": 10000,
            "risk_bps": 10000,
        },
    ),
    ("deposit", {"who": 0, "assets": 1000000000000}),
    ("rebalance", {}),
    ("fail", {"which": 0, "fault": 6}),
    ("deposit", {"who": 0, "assets": 20000000000}),
    ("rebalance", {}),
    ("deposit", {"who": 0, "assets": 20000000000}),
    ("rebalance", {}),
    ("deposit", {"who": 0, "assets": 20000000000}),
    ("rebalance", {}),
    ("deposit", {"who": 0, "assets": 20000000000}),
    ("rebalance", {}),
    ("deposit", {"who": 0, "assets": 20000000000}),
    ("rebalance", {}),
    ("deposit", {"who": 0, "assets": 20000000000}),
    ("rebalance", {}),
]


def test_vault__vault_budget_1ad1c3(chain):
    holds_on(chain.provider.http_uri, MACHINE, STEPS)
