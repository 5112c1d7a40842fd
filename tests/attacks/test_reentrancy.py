"""8. Somebody else's code is called in the middle, and calls back. 15. Vyper and Curve: a price read in the middle."""

from tests.attacks.defences import Defence
from tests.vault_kit import DAY, NOBODY, SHORT

SHARES = 10**12


def have_a_profit_booked_twice(arena):
    """Attacker's gain over a fair half of a profit. A strategy has it reported while it pays an exit.

    The exit then sets the debt to what it was before, less what was paid: the profit is still there to be booked again.
    """
    vault = arena.open()
    strategy = arena.add()
    before = arena.token.balanceOf(arena.attacker)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.deposit(arena.attacker, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(30 * DAY)
    strategy.earn(100 * arena.unit, sender=arena.keeper)
    strategy.setCallback(vault, vault.report.encode_input(), sender=arena.attacker)
    vault.withdraw(1, arena.attacker, arena.attacker, sender=arena.attacker)
    strategy.setCallback(NOBODY, b"", sender=arena.attacker)
    arena.wait(30 * DAY)
    arena.report()
    arena.wait(30 * DAY)
    arena.leave(arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before - 50 * arena.unit


def hire(arena):
    """An attacker's contract with 200 tokens, to deposit 100 of them; armed to do so once more."""
    intruder = arena.hire(200 * arena.unit)
    deposit = arena.vault.deposit.encode_input(100 * arena.unit, intruder)
    intruder.arm(arena.vault, deposit, sender=arena.attacker)
    return intruder, [(arena.vault, deposit)]


def take_all_back(arena, intruder):
    """What the contract has gained, once it has redeemed everything."""
    shares = arena.vault.maxRedeem(intruder)
    redeem = arena.vault.redeem.encode_input(shares, intruder, intruder)
    intruder.run([(arena.vault, redeem)], sender=arena.attacker)
    return arena.token.balanceOf(intruder) - 200 * arena.unit


def deposit_from_the_hook(arena):
    """Attacker's gain. The token calls its sender: a deposit in a deposit, whose shares the outer one forgets.

    Shares that the supply does not know make every share dearer, theirs too.
    """
    arena.open()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    intruder, deposit = hire(arena)
    arena.token.setHook(intruder, sender=arena.owner)
    intruder.run(deposit, sender=arena.attacker)
    arena.token.setHook(NOBODY, sender=arena.owner)
    return take_all_back(arena, intruder)


def deposit_from_the_gate(arena):
    """Attacker's gain. The same, by a gate that deposits when it is asked."""
    vault = arena.open()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    intruder, deposit = hire(arena)
    vault.setGate(intruder, sender=arena.owner)
    intruder.run(deposit, sender=arena.attacker)
    vault.setGate(NOBODY, sender=arena.owner)
    return take_all_back(arena, intruder)


def ask_in_the_middle(arena, question):
    """The answer that a strategy gets in a move that loses half of it; None when it gets none."""
    vault = arena.open(lossBudgetBps=10_000)
    strategy = arena.add(5_000)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    strategy.setFault(SHORT, sender=arena.attacker)
    strategy.setCallback(vault, question(vault), sender=arena.attacker)
    vault.setWeight(strategy, 3_000, 10, sender=arena.owner)
    arena.rebalance()
    return int.from_bytes(strategy.answer()) if strategy.reentered() else None


def sell_at_the_price_in_the_middle(arena):
    """What a lender who reads the price in the middle pays too much for shares."""
    seen = ask_in_the_middle(arena, lambda vault: vault.convertToAssets.encode_input(SHARES))
    return 0 if seen is None else seen - arena.vault.convertToAssets(SHARES)


def hide_that_it_is_the_middle(arena):
    """Whether the vault denies to be in a call of its own, to one who asks before using its price."""
    return ask_in_the_middle(arena, lambda vault: vault.locked.encode_input()) == 0


def test_reentrancy__a_strategy_cannot_have_a_profit_booked_twice(ours, without):
    assert have_a_profit_booked_twice(ours) <= 0
    weak = without(Defence.GUARD)
    assert have_a_profit_booked_twice(weak) > 40 * weak.unit


def test_reentrancy__a_token_cannot_deposit_within_a_deposit(ours, without):
    assert deposit_from_the_hook(ours) <= 0
    # two defences: what arrives is measured too
    weak = without(Defence.GUARD, Defence.MEASURED_DEPOSIT)
    assert deposit_from_the_hook(weak) > 18 * weak.unit


def test_reentrancy__a_gate_cannot_deposit_within_a_deposit(ours, without):
    assert deposit_from_the_gate(ours) <= 0
    weak = without(Defence.GUARD, Defence.STATIC_GATE)
    assert deposit_from_the_gate(weak) > 18 * weak.unit


def test_reentrancy__no_door_is_open_in_the_middle(ours):
    """Every call that moves money, and every view that prices a share, by the vault's own word."""
    victim, attacker = ours.victim, ours.attacker
    calls = {
        "deposit": (0, attacker),
        "mint": (0, attacker),
        "withdraw": (0, attacker, attacker),
        "redeem": (0, attacker, attacker),
        "redeemInKind": (0, attacker, attacker, 0),
        "report": (),
        "rebalance": (),
        "totalAssets": (),
        "convertToAssets": (1,),
        "convertToShares": (1,),
        "previewDeposit": (1,),
        "previewMint": (1,),
        "previewWithdraw": (1,),
        "previewRedeem": (1,),
        "maxDeposit": (victim,),
        "maxMint": (victim,),
        "maxWithdraw": (victim,),
        "maxRedeem": (victim,),
        "idle": (),
        "totalDebt": (),
        "lockedProfit": (),
        "readings": (),
    }
    vault = ours.open()
    strategy = ours.add()
    ours.deposit(victim, 1_000 * ours.unit)
    ours.rebalance()
    for name, arguments in calls.items():
        strategy.setCallback(vault, getattr(vault, name).encode_input(*arguments), sender=attacker)
        vault.withdraw(ours.unit, victim, victim, sender=victim)
        assert not strategy.reentered(), name
        assert strategy.answer() == bytes.fromhex("3ee5aeb5"), name  # ReentrancyGuardReentrantCall()


def test_read_only_reentrancy__a_price_cannot_be_read_in_the_middle(ours, without):
    assert sell_at_the_price_in_the_middle(ours) == 0
    weak = without(Defence.GUARD_OF_PRICE)
    # 10 % are lost on the way, and 1e12 shares are a unit
    assert sell_at_the_price_in_the_middle(weak) > weak.unit * 9 // 100


def test_read_only_reentrancy__the_vault_says_that_it_is_in_the_middle(ours, without):
    assert not hide_that_it_is_the_middle(ours)
    assert hide_that_it_is_the_middle(without(Defence.SAYS_LOCKED))
