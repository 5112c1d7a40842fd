"""12. Tokens with habits: a fee on transfer, no return value, blocked addresses. Hooks are in test_reentrancy.py."""

from tests.attacks.defences import Defence


def deposit_less_than_said(arena):
    """What the vault says to hold and does not. The token keeps 1 % of what is sent."""
    vault = arena.open()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.token.setFee(100, sender=arena.owner)
    deposit = (1_000 * arena.unit, arena.attacker)
    if arena.passes(vault.deposit, *deposit, sender=arena.attacker):
        vault.deposit(*deposit, sender=arena.attacker)
    return arena.hole()


def hold_back_what_answers_nothing(arena):
    """What the victim cannot get out of a vault over a token that returns nothing, as USDT does."""
    vault = arena.open()
    arena.token.setSilent(True, sender=arena.owner)
    assets = 1_000 * arena.unit
    arena.deposit(arena.victim, assets)
    exit_ = (assets, arena.victim, arena.victim)
    return 0 if arena.passes(vault.withdraw, *exit_, sender=arena.victim) else assets


def hold_all_by_a_blocked_strategy(arena):
    """What the victim cannot get, of the half in a sound strategy, once the token's issuer blocks the other."""
    vault = arena.open()
    blocked, _ = arena.add(5_000), arena.add(5_000)
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.token.setBlocked(blocked, True, sender=arena.owner)
    exit_ = (500 * arena.unit, arena.victim, arena.victim)
    return 0 if arena.passes(vault.withdraw, *exit_, sender=arena.victim) else 500 * arena.unit


def test_token_with_a_fee__leaves_no_hole(ours, without):
    assert deposit_less_than_said(ours) == 0
    weak = without(Defence.MEASURED_DEPOSIT)
    assert deposit_less_than_said(weak) == 10 * weak.unit


def test_token_without_return_value__can_be_had_back(ours, without):
    assert hold_back_what_answers_nothing(ours) == 0
    weak = without(Defence.SAFE_TRANSFER)
    assert hold_back_what_answers_nothing(weak) == 1_000 * weak.unit


def test_token_that_blocks__blocks_one_strategy_and_not_the_vault(ours, without):
    assert hold_all_by_a_blocked_strategy(ours) == 0
    weak = without(Defence.PASSING_OVER)
    assert hold_all_by_a_blocked_strategy(weak) == 500 * weak.unit
