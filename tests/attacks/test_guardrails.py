"""10. A limit on what may happen in a time that is not one: at its edges, after a silence, in small pieces."""

from ballast import properties as P
from tests.attacks.defences import Defence
from tests.vault_kit import CHARGES_ENTRY, DAY, TAKES_FEE, YEAR

WAD = 10**18


def jump_after_a_silence(arena):
    """Attacker's gain in a day, over what the cap of 10 % a year allows on the deposit.

    A year without a report, then a profit that doubles the vault; in before the report, out the day after.
    """
    vault = arena.open(growthCapBps=1_000)
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(YEAR)
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.attacker, 100_000 * arena.unit)
    since = arena.now()
    strategy.earn(1_000 * arena.unit, sender=arena.keeper)
    vault.report(sender=arena.attacker)
    arena.wait(DAY)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before - allowed(arena, 100_000, since)


def stay_when_others_leave(arena):
    """Attacker's gain in a day, over what the cap allows: a profit locked for many unlocks for the one left."""
    arena.open(growthCapBps=1_000)
    strategy = arena.add(5_000)
    arena.deposit(arena.other, 990 * arena.unit)
    arena.deposit(arena.attacker, 10 * arena.unit)
    arena.rebalance()
    arena.wait(30 * DAY)
    strategy.earn(5 * arena.unit, sender=arena.keeper)
    arena.report()
    before = arena.holds(arena.attacker)
    since = arena.now()
    arena.leave(arena.other)
    arena.wait(DAY)
    return arena.holds(arena.attacker) - before - allowed(arena, 10, since)


def allowed(arena, tokens, since):
    """10 % a year on `tokens`, and a unit of rounding."""
    return tokens * arena.unit * (arena.now() - since) // (10 * YEAR) + 1


def lose_on_both_sides_of_midnight(arena):
    """What keepers' moves lost within a day, over the budget of 1 %.

    The curator is in it too: the strategy that keeps 1 % of what enters it is emptied, which costs nothing, and filled
    again. As often as it goes in the last two hours of one day, and the first two of the next.
    """
    midnight = (arena.now() // DAY + 2) * DAY
    arena.wait(midnight - 2 * 3_600 - arena.now())
    empty_and_fill = refill(arena, 4_900)
    before = arena.vault.totalAssets()
    for _ in range(5):
        empty_and_fill()
        empty_and_fill()
        arena.wait(3_600)
    assert midnight < arena.now() < midnight + DAY // 2
    return before - arena.vault.totalAssets() - 10 * arena.unit


def lose_in_small_pieces(arena):
    """What keepers' moves lost at once, over the half of a budget of 0.1 % that may be. Each piece is under 0.01 %."""
    empty_and_fill = refill(arena, 90, lossBudgetBps=10)
    before = arena.vault.totalAssets()
    for _ in range(10):
        empty_and_fill()
    refilled = 1_000 * arena.unit * 5 * 60 // (10**4 * DAY)  # of the bucket, in the minute that this takes at most
    return before - arena.vault.totalAssets() - 5 * arena.unit // 10 - refilled


def lose_on_what_is_there(arena):
    """What a keeper's move lost, over the half of a budget of 1 % that may be: 50, on what the strategy had before."""
    vault = arena.open()
    strategy = arena.add(5_000, volatile=True)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.deposit(arena.attacker, 100 * arena.unit)
    strategy.setCallback(strategy, strategy.lose.encode_input(50 * arena.unit), sender=arena.attacker)
    before = arena.holds(arena.victim)
    if arena.passes(vault.rebalance, sender=arena.attacker):
        vault.rebalance(sender=arena.attacker)
    return before - arena.holds(arena.victim) - 1_000 * arena.unit * 5 // 1_000


def spread_a_fee_over_what_is_there(arena):
    """What keepers' moves lost, over the half of a budget of 0.1 % that may be.

    A strategy that is read at reports alone takes 1 % of what enters, out of what all its shares are worth: of a
    deposit of 2 % of what is there the new shares bear a fiftieth. So each move looks cheap, and there are ten.
    """
    vault = arena.open(lossBudgetBps=10)
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    strategy.setFault(TAKES_FEE, sender=arena.attacker)
    for _ in range(10):
        arena.deposit(arena.attacker, 20 * arena.unit)
        if arena.passes(vault.rebalance, sender=arena.attacker):
            vault.rebalance(sender=arena.attacker)
    arena.report()
    refilled = 1_200 * arena.unit * 5 * 60 // (10**4 * DAY)  # of the bucket, in the minute that this takes at most
    return 1_200 * arena.unit - vault.totalAssets() - 1_200 * arena.unit * 5 // 10**4 - refilled


def refill(arena, target_bps, **terms):
    """Open a vault of 1,000 tokens; return what empties and fills a strategy that keeps 1 % of what enters."""
    vault = arena.open(**terms)
    strategy = arena.add(target_bps)
    strategy.setFault(CHARGES_ENTRY, sender=arena.attacker)
    arena.deposit(arena.victim, 1_000 * arena.unit)

    def empty_and_fill():
        for target in (0, target_bps):
            vault.setWeight(strategy, target, 1, sender=arena.curator)
            if arena.passes(vault.rebalance, sender=arena.attacker):
                vault.rebalance(sender=arena.attacker)

    return empty_and_fill


def lift_exposure(arena):
    """Exposure beyond the limit of once the net value, Wad: the curator gives half to what has it threefold."""
    vault = arena.open()
    strategy = arena.add(3_000, kind=arena.project.ExposedStandIn)
    strategy.setLeverage(arena.token, 3 * WAD, sender=arena.keeper)
    limits = arena.owner.deploy(arena.project.VaultLimits, arena.owner, arena.guardian)
    limits.setCaps(vault, (WAD, WAD, WAD, WAD), sender=arena.owner)
    vault.setLimits(limits, sender=arena.owner)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    vault.setWeight(strategy, 5_000, 10, sender=arena.curator)
    if arena.passes(vault.rebalance, sender=arena.attacker):
        vault.rebalance(sender=arena.attacker)
    return limits.measure(vault).deltaWad - WAD


def test_growth_cap__lets_no_jump_pass_after_a_long_silence(ours, without):
    assert jump_after_a_silence(ours) <= 0
    weak = without(Defence.REPORT_CAP, Defence.UNLOCK_CAP)
    assert jump_after_a_silence(weak) > 50 * weak.unit


def test_growth_cap__holds_for_who_stays_when_others_leave(ours, without):
    assert stay_when_others_leave(ours) <= 0
    weak = without(Defence.UNLOCK_CAP_AT_EXITS)
    assert stay_when_others_leave(weak) > weak.unit // 10


def test_loss_budget__is_not_there_twice_around_midnight(ours, without):
    assert lose_on_both_sides_of_midnight(ours) <= 0
    weak = without(Defence.MOVING_WINDOW)
    assert lose_on_both_sides_of_midnight(weak) > 8 * weak.unit


def test_loss_budget__counts_small_losses_too(ours, without):
    assert lose_in_small_pieces(ours) <= 0
    weak = without(Defence.SMALL_LOSSES)
    assert lose_in_small_pieces(weak) > 3 * weak.unit // 10


def test_loss_budget__counts_losses_on_what_was_there(ours, without):
    assert lose_on_what_is_there(ours) <= 0
    weak = without(Defence.STAYING_SHARES_READ)
    assert lose_on_what_is_there(weak) > 35 * weak.unit


def test_loss_budget__counts_a_fee_spread_over_what_was_there(ours, without):
    assert spread_a_fee_over_what_is_there(ours) <= 0
    weak = without(Defence.STAYING_SHARES_READ)
    assert spread_a_fee_over_what_is_there(weak) > weak.unit


def test_limits__no_rebalance_takes_exposure_beyond_them(ours, without):
    assert lift_exposure(ours) == -WAD // 10, P.VAULT_LIMITS
    weak = without(Defence.EXPOSURE_LIMITS)
    assert lift_exposure(weak) == WAD // 2
