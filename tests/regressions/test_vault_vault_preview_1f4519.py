"""VAULT_PREVIEW: a preview is what the call then gives, or less good by a rounding (withdraw took 4888889, the preview
said 5500000)

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
    ("deposit", {"who": 1, "assets": 10}),
    ("rebalance", {}),
    ("donate", {"to": 0, "assets": 2}),
    ("fail", {"which": 2, "fault": 1}),
    ("withdraw", {"who": 1, "part": 58}),
]


def test_vault__vault_preview_1f4519(chain):
    holds_on(chain.provider.http_uri, MACHINE, STEPS)
