"""Defences that more than one attack needs gone."""

from tests.attacks.weakened import BOOKS, STATE, VAULT, Patch

#: The price follows the tokens at the vault's address, sent by whomever.
STORED_ASSETS = (
    Patch(
        STATE,
        "return (_ledger.shares, _ledger.assets - _locked());",
        "return (_ledger.shares, _token.balanceOf(address(this)) + _debt.total - _locked());",
    ),
    Patch(STATE, "return _ledger.assets - _debt.total;", "return _token.balanceOf(address(this));"),
)
#: The price as the first vaults had it: assets over supply.
VIRTUAL_SHARES = (
    Patch(
        STATE,
        "return assets.fullMulDiv(supply + VIRTUAL_SHARES, net + 1);",
        "return supply == 0 ? assets : assets.fullMulDiv(supply, net);",
    ),
    Patch(
        STATE,
        "return assets.fullMulDivUp(supply + VIRTUAL_SHARES, net + 1);",
        "return supply == 0 ? assets : assets.fullMulDivUp(supply, net);",
    ),
    Patch(
        STATE,
        "return shares.fullMulDiv(net + 1, supply + VIRTUAL_SHARES);",
        "return supply == 0 ? shares : shares.fullMulDiv(net, supply);",
    ),
    Patch(
        STATE,
        "return shares.fullMulDivUp(net + 1, supply + VIRTUAL_SHARES);",
        "return supply == 0 ? shares : shares.fullMulDivUp(net, supply);",
    ),
)
#: One virtual share and one virtual asset: a share as coarse as the asset.
OFFSET = (Patch(STATE, "uint8 internal constant OFFSET = 6;", "uint8 internal constant OFFSET = 0;"),)
#: Deposits can be entered again.
GUARD_OF_DEPOSIT = (
    Patch(
        VAULT,
        """uint256 minShares)
        public
        nonReentrant
""",
        """uint256 minShares)
        public
""",
    ),
)
#: A deposit counts as what it says, not as what arrives.
MEASURED_DEPOSIT = (Patch(VAULT, "if (received != assets) revert UnexpectedTransfer(assets, received);"),)
#: An exit stands or falls with every strategy it draws on.
PASSING_OVER = (
    Patch(
        BOOKS,
        """            if (freed == 0) {
                emit StrategySkipped(strategy_);
                return (0, 0);
            }
""",
        "            if (freed == 0) revert NotListed(strategy_);\n",
    ),
)
#: A profit is in the price at once.
UNLOCKING = (Patch(BOOKS, "if (_priceless(supply, net)) fresh = 0;", "fresh = 0;"),)
#: A report books whatever a strategy says it has earned.
REPORT_CAP = (
    Patch(
        BOOKS,
        "? (uint256(_debt.total) + _fees.deficit).fullMulDiv(_lock.growthCapBps * elapsed, BPS * YEAR)",
        "? type(uint256).max",
    ),
)
