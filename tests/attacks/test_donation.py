"""3. What is given to the vault is taken for profit, or counted twice. 15. Cream: a price doubled by a gift."""

from tests.attacks.defences import Defence
from tests.vault_kit import DAY

SHARES = 10**12


def double_the_price(arena):
    """Growth of the price in one transaction, in 1e4: what a lender that takes shares as collateral would lend on."""
    vault = arena.open()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    before = vault.convertToAssets(SHARES)
    arena.token.transfer(vault, 1_000 * arena.unit, sender=arena.attacker)
    return (vault.convertToAssets(SHARES) - before) * 10**4 // before


def send_strategy_shares(arena):
    """Profit booked. The vault owns what was sent, but nobody earned it; sold, it would be counted a second time."""
    vault = arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(30 * DAY)  # so that the growth cap leaves room
    arena.token.approve(strategy, 500 * arena.unit, sender=arena.attacker)
    strategy.deposit(500 * arena.unit, vault, sender=arena.attacker)
    arena.report()
    return vault.lockedProfit()


def charge_a_gift(arena):
    """Fee taken. A depositor's own tokens, sent by mistake, come back as a profit with a fee on it."""
    vault = arena.open(performanceFeeBps=1_000)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.token.transfer(vault, 500 * arena.unit, sender=arena.victim)
    arena.report()
    arena.wait(11 * DAY)
    return vault.previewRedeem(vault.balanceOf(arena.fee_recipient))


def give_and_leave(arena):
    """Attacker's gain. A large deposit, a gift to the strategy reported as profit, and out with most of both."""
    vault = arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(DAY)
    before = arena.token.balanceOf(arena.attacker)
    strategy.earn(9 * arena.unit, sender=arena.keeper)  # a profit that is the victim's, and that the gift hides
    arena.deposit(arena.attacker, 99_000 * arena.unit)
    arena.token.transfer(strategy, arena.unit, sender=arena.attacker)
    vault.report(sender=arena.attacker)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before


def test_donation__moves_no_price(ours, without):
    assert double_the_price(ours) == 0
    assert double_the_price(without(Defence.STORED_ASSETS)) > 9_990


def test_donation__of_strategy_shares_is_no_profit(ours, without):
    assert send_strategy_shares(ours) <= 1, "a unit of rounding"
    weak = without(Defence.STORED_STRATEGY_SHARES)
    assert send_strategy_shares(weak) > 499 * weak.unit


def test_donation__is_not_charged(ours, without):
    assert charge_a_gift(ours) == 0
    weak = without(Defence.GIFTS_IGNORED)
    assert charge_a_gift(weak) > 40 * weak.unit


def test_donation__does_not_come_back_to_who_gave_it(ours, without):
    # of 10 units that unlock over ten days, a few seconds' worth at most
    assert give_and_leave(ours) <= -ours.unit + 10 * ours.unit * 5 // (10 * DAY)
    weak = without(Defence.UNLOCKING)
    assert give_and_leave(weak) > 8 * weak.unit
