"""What must always hold, each property with an id. Checks carry the sentence, so a failure names it."""

from typing import Final

VAULT_SOLVENT: Final = "VAULT_SOLVENT: the vault holds at least its idle assets in tokens"
VAULT_BOOKS: Final = "VAULT_BOOKS: idle and debt add up to net assets and locked profit; the debts add up to the total"
VAULT_SHARES: Final = "VAULT_SHARES: the balances add up to the supply"
VAULT_PRICE: Final = "VAULT_PRICE: the share price falls by a booked loss alone"
VAULT_ROUND_TRIP: Final = "VAULT_ROUND_TRIP: in and out again gains nothing"
VAULT_PREVIEW: Final = "VAULT_PREVIEW: a preview is what the call then gives, or less good by a rounding"
VAULT_EXIT: Final = "VAULT_EXIT: a withdrawal within maxWithdraw, a redemption within maxRedeem never reverts"
VAULT_ROLES: Final = "VAULT_ROLES: nobody without the role changes anything"
VAULT_GROWTH: Final = (
    "VAULT_GROWTH: the share price grows no faster than the cap a year on net assets and deficit,"
    " but for what makes good a loss"
)
VAULT_SPLIT: Final = "VAULT_SPLIT: many small deposits or exits never beat one large"
VAULT_LOSS_SHARED: Final = "VAULT_LOSS_SHARED: who leaves bears their part of the losses that an exit must know"
VAULT_LOCKED_SAFE: Final = (
    "VAULT_LOCKED_SAFE: locked profit cannot be taken at once: without time the price rises by rounding alone"
)
VAULT_ENTRY: Final = "VAULT_ENTRY: who enters pays for the gains of volatile strategies that are not booked yet"
VAULT_FEES: Final = "VAULT_FEES: no fee below the high-water mark, and no fee twice"
VAULT_DECIMALS: Final = "VAULT_DECIMALS: a share has the asset's decimals and 6 more"
VAULT_LOCKED: Final = "VAULT_LOCKED: in the middle of a call of the vault's own, nothing of it can be called or priced"
VAULT_BUDGET: Final = "VAULT_BUDGET: rebalances lose no more than the loss budget in any window"
VAULT_CAPS: Final = "VAULT_CAPS: a rebalance lifts no strategy over its caps"
VAULT_LIMITS: Final = "VAULT_LIMITS: a rebalance leaves no exposure beyond its limit and larger than it was"
VAULT_REQUESTS: Final = "VAULT_REQUESTS: requests are served in order, and what they wait for is theirs first"
ROUTER_BOOKS: Final = "ROUTER_BOOKS: the router holds its idle assets, and the venues' positions are what they stored"
ROUTER_STEADY: Final = "ROUTER_STEADY: no action but an exit lowers the router's net value by more than rounding"

#: every property by its id
ALL: Final = {
    text.split(":")[0]: text for name, text in sorted(globals().items()) if name.startswith(("VAULT_", "ROUTER_"))
}
