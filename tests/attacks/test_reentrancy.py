"""8. Somebody else's code is called in the middle, and calls back. 15. Vyper and Curve: a price read in the middle."""

from tests.attacks import removed
from tests.attacks.weakened import VAULT, Patch
from tests.vault_kit import NOBODY, SHORT

SHARES = 10**12


def pay_with_a_deposit(arena):
    """Attacker's gain. A strategy asked for assets pays half, and deposits the other half for the attacker.

    The vault sees all that it asked for arrive, and counts half of it a second time as a deposit.
    """
    vault = arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    before = arena.holds(arena.attacker)
    approve = arena.token.approve.encode_input(vault, 2**256 - 1)
    strategy.setCallback(arena.token, approve, sender=arena.attacker)
    vault.withdraw(arena.unit, arena.victim, arena.victim, sender=arena.victim)  # the approval
    strategy.setFault(SHORT, sender=arena.attacker)
    deposit = vault.deposit.encode_input(200 * arena.unit, arena.attacker)
    strategy.setCallback(vault, deposit, sender=arena.attacker)
    vault.redeem(400 * 10**6 * arena.unit, arena.victim, arena.victim, sender=arena.victim)
    assert arena.hole() == arena.holds(arena.attacker) - before, "what the attacker gains the vault has not"
    return arena.holds(arena.attacker) - before


def hire(arena):
    """An attacker's contract with 200 tokens that deposits 100 of them; armed to do so once more."""
    intruder = arena.owner.deploy(arena.project.IntruderStandIn)
    arena.token.mint(intruder, 200 * arena.unit, sender=arena.owner)
    approve = arena.token.approve.encode_input(arena.vault, 2**256 - 1)
    intruder.run(arena.token, approve, sender=arena.attacker)
    deposit = arena.vault.deposit.encode_input(100 * arena.unit, intruder)
    intruder.arm(arena.vault, deposit, sender=arena.attacker)
    return intruder, deposit


def take_all_back(arena, intruder):
    """What the contract has gained, once it has redeemed everything."""
    shares = arena.vault.maxRedeem(intruder)
    redeem = arena.vault.redeem.encode_input(shares, intruder, intruder)
    intruder.run(arena.vault, redeem, sender=arena.attacker)
    return arena.token.balanceOf(intruder) - 200 * arena.unit


def deposit_from_the_hook(arena):
    """Attacker's gain. The token calls its sender: a deposit in a deposit, whose shares the outer one forgets.

    Shares that the supply does not know make every share dearer, theirs too.
    """
    vault = arena.open()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    intruder, deposit = hire(arena)
    arena.token.setHook(intruder, sender=arena.owner)
    intruder.run(vault, deposit, sender=arena.attacker)
    arena.token.setHook(NOBODY, sender=arena.owner)
    return take_all_back(arena, intruder)


def deposit_from_the_gate(arena):
    """Attacker's gain. The same, by a gate that deposits when it is asked."""
    vault = arena.open()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    intruder, deposit = hire(arena)
    vault.setGate(intruder, sender=arena.owner)
    intruder.run(vault, deposit, sender=arena.attacker)
    vault.setGate(NOBODY, sender=arena.owner)
    return take_all_back(arena, intruder)


def ask_in_the_middle(arena, question):
    """The answer that a strategy gets in a rebalance whose loss is not booked yet; None when it gets none."""
    vault = arena.open(lossBudgetBps=10_000)
    short, caller = arena.add(5_000), arena.add(1)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    short.setFault(SHORT, sender=arena.attacker)
    vault.setWeight(short, 3_000, 10, sender=arena.owner)
    vault.setWeight(caller, 3_000, 10, sender=arena.owner)
    caller.setCallback(vault, question(vault), sender=arena.attacker)
    arena.rebalance()
    return int.from_bytes(caller.answer()) if caller.reentered() else None


def sell_at_the_price_in_the_middle(arena):
    """What a lender who reads the price in the middle pays too much for shares."""
    seen = ask_in_the_middle(arena, lambda vault: vault.convertToAssets.encode_input(SHARES))
    return 0 if seen is None else seen - arena.vault.convertToAssets(SHARES)


def hide_that_it_is_the_middle(arena):
    """Whether the vault denies to be in a call of its own, to one who asks before using its price."""
    return ask_in_the_middle(arena, lambda vault: vault.locked.encode_input()) == 0


def test_reentrancy__a_strategy_cannot_pay_with_a_deposit(ours, without):
    assert pay_with_a_deposit(ours) == 0
    weak = without(*removed.GUARD_OF_DEPOSIT)
    assert pay_with_a_deposit(weak) > 199 * weak.unit


def test_reentrancy__a_token_cannot_deposit_within_a_deposit(ours, without):
    assert deposit_from_the_hook(ours) <= 0
    # two defences: what arrives is measured too
    weak = without(*removed.GUARD_OF_DEPOSIT, *removed.MEASURED_DEPOSIT)
    assert deposit_from_the_hook(weak) > 18 * weak.unit


def test_reentrancy__a_gate_cannot_deposit_within_a_deposit(ours, without):
    assert deposit_from_the_gate(ours) <= 0
    plain_call = Patch(
        VAULT,
        "if (flags & GATED != 0 && !_admits(msg.sender, receiver)) revert NotAdmitted(receiver);",
        "if (flags & GATED != 0) _gate.call(abi.encodeCall(IGate.mayEnter, (msg.sender, receiver)));",
    )
    weak = without(*removed.GUARD_OF_DEPOSIT, plain_call)
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
    view = "function convertToAssets(uint256 shares) external view nonReentrantView returns"
    weak = without(Patch(VAULT, view, view.replace(" nonReentrantView", "")))
    # 10 % are lost on the way, and 1e12 shares are a unit
    assert sell_at_the_price_in_the_middle(weak) > weak.unit * 9 // 100


def test_read_only_reentrancy__the_vault_says_that_it_is_in_the_middle(ours, without):
    assert not hide_that_it_is_the_middle(ours)
    assert hide_that_it_is_the_middle(without(Patch(VAULT, "return _reentrancyGuardEntered();", "return false;")))
