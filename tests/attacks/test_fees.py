"""7. Fees on what is no profit, twice on the same, or on none at all."""

from tests.attacks.defences import Defence
from tests.vault_kit import DAY, YEAR


def fees(arena):
    """What the fee recipient's shares would fetch."""
    return arena.vault.convertToAssets(arena.vault.balanceOf(arena.fee_recipient))


def charge_the_newcomer_for_the_past(arena):
    """Fee beyond what the newcomer's own days cost. A year without profit leaves a fee owed; its holder leaves."""
    arena.open(managementFeeBps=200)
    strategy = arena.add()
    arena.deposit(arena.other, 1_000_000 * arena.unit)
    arena.rebalance()
    arena.wait(YEAR)
    arena.leave(arena.other)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    since = arena.now()
    arena.rebalance()
    arena.wait(10 * DAY)
    strategy.earn(10 * arena.unit, sender=arena.keeper)
    arena.report()
    return fees(arena) - 1_000 * arena.unit * 200 * (arena.now() - since) // (10**4 * YEAR)


def charge_a_recovery(arena):
    """Fee on a loss made good: the second profit brings the holders back to where they were."""
    arena.open(performanceFeeBps=1_000)
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(30 * DAY)
    strategy.lose(50 * arena.unit, sender=arena.keeper)
    arena.report()
    arena.wait(30 * DAY)
    strategy.earn(50 * arena.unit, sender=arena.keeper)
    arena.report()
    arena.wait(11 * DAY)
    return fees(arena)


def charge_the_winner(arena):
    """Fee on a profit that a loss in the same report has eaten."""
    arena.open(performanceFeeBps=1_000)
    winner, loser = arena.add(5_000), arena.add(5_000)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(30 * DAY)
    winner.earn(50 * arena.unit, sender=arena.keeper)
    loser.lose(50 * arena.unit, sender=arena.keeper)
    arena.report()
    arena.wait(11 * DAY)
    return fees(arena)


def starve_the_fee(arena):
    """Fee that went missing. Profits of nine units, each reported alone: a tenth of each is rounded down to nothing."""
    vault = arena.open(decimals=0, performanceFeeBps=1_000)
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000_000)  # enough for the growth cap to leave room in a minute
    arena.rebalance()
    arena.wait(30 * DAY)
    for _ in range(10):
        strategy.earn(9, sender=arena.keeper)
        vault.report(sender=arena.attacker)
        arena.wait(60)
    arena.wait(3_600)
    arena.report()
    arena.wait(11 * DAY)
    return 9 - fees(arena)


def charge_for_a_day_that_was_not(arena):
    """Fee owed beyond what the assets at work have cost: the recipient deposits a thousand times the vault first."""
    vault = arena.open(managementFeeBps=200)
    arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    since = arena.now()
    arena.wait(DAY)
    arena.deposit(arena.attacker, 1_000_000 * arena.unit)
    vault.report(sender=arena.attacker)
    return vault.managementFeeOwed() - 1_000 * arena.unit * 200 * (arena.now() - since) // (10**4 * YEAR)


def report_more_often(arena):
    """Fee of six reports beyond that of one over the same month.

    Shares minted earlier grow with the vault, by 6 % at most, on half of the time on average: 3 % are left out.
    """
    taken = []
    for reports in (1, 6):
        vault = arena.open(performanceFeeBps=1_000, managementFeeBps=100)
        strategy = arena.add()
        arena.deposit(arena.victim, 1_000 * arena.unit)
        arena.rebalance()
        for _ in range(reports):
            arena.wait(30 * DAY // reports)
            strategy.earn(60 * arena.unit // reports, sender=arena.keeper)
            vault.report(sender=arena.attacker)
        arena.wait(20 * DAY)
        taken.append(fees(arena))
    once, often = taken
    assert once > 0
    return often - once * 103 // 100


def charge_a_glitch(arena):
    """10. Fee on a value that stood for a moment: a hundred times the strategy's, reported, and gone."""
    vault = arena.open(performanceFeeBps=1_000, growthCapBps=1_000)
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(DAY)
    strategy.earn(100_000 * arena.unit, sender=arena.attacker)
    vault.report(sender=arena.attacker)
    strategy.lose(100_000 * arena.unit, sender=arena.attacker)
    arena.report()
    arena.wait(YEAR)
    return fees(arena)


def test_fees__a_newcomer_owes_nothing_for_the_past(ours, without):
    assert charge_the_newcomer_for_the_past(ours) <= 0
    weak = without(Defence.FRESH_FEES)
    assert charge_the_newcomer_for_the_past(weak) > 4 * weak.unit


def test_fees__a_loss_made_good_is_not_charged(ours, without):
    assert charge_a_recovery(ours) == 0
    weak = without(Defence.HIGH_WATER_MARK)
    assert charge_a_recovery(weak) > 4 * weak.unit


def test_fees__a_profit_that_a_loss_has_eaten_is_not_charged(ours, without):
    assert charge_the_winner(ours) == 0
    # without the deficit that the loss has left, the order of the two in a report would not matter
    weak = without(Defence.DEFICIT)
    assert charge_the_winner(weak) > 4 * weak.unit


def test_fees__frequent_reports_do_not_starve_them(ours, without):
    # one rounding for each hour that a profit was booked in, and one of the price
    assert starve_the_fee(ours) <= 3
    weak = without(Defence.PROFIT_INTERVAL)
    assert starve_the_fee(weak) == 9


def test_fees__are_not_charged_on_assets_that_were_not_at_work(ours, without):
    assert charge_for_a_day_that_was_not(ours) <= 0
    weak = without(Defence.FEE_ON_DEBT)
    assert charge_for_a_day_that_was_not(weak) > 50 * weak.unit


def test_fees__many_reports_take_no_more_than_one(ours, without):
    assert report_more_often(ours) <= 0
    weak = without(Defence.FEE_PAID_ONCE)
    assert report_more_often(weak) > 0


def test_fees__a_glitch_is_charged_within_the_growth_cap_at_most(ours, without):
    # a tenth of what 10 % a year are in a day
    assert charge_a_glitch(ours) <= 1_000 * ours.unit // 10 // 10 * 2 // 365
    weak = without(Defence.REPORT_CAP)
    assert charge_a_glitch(weak) > 90 * weak.unit
