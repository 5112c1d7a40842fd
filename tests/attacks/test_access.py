"""Who may call what: a stranger at every function of a role, at the vault's code, and with a used permit."""

import pytest
from eth_abi import encode
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from tests.attacks.defences import Defence
from tests.vault_kit import DAY, UNLIMITED

RISK = b"risk".ljust(32, b"\0")
#: function -> arguments, given the strategy and a stranger; what is loosened and what is tightened apart
CALLS = {
    "setOwner": lambda strategy, who: (who,),
    "setGuardian": lambda strategy, who: (who,),
    "setCurator": lambda strategy, who: (who,),
    "addStrategy": lambda strategy, who: (who, UNLIMITED, 10_000, 0, 1, False),
    "removeStrategy": lambda strategy, who: (strategy, UNLIMITED),
    "setRisks": lambda strategy, who: (strategy, []),
    "setRiskCap": lambda strategy, who: (RISK, 1, 1),
    "setCap (up)": lambda strategy, who: (strategy, UNLIMITED, 10_000),
    "setCap (down)": lambda strategy, who: (strategy, 0, 0),
    "setWeight (up)": lambda strategy, who: (strategy, 6_000, 10),
    "setWeight (down)": lambda strategy, who: (strategy, 0, 10),
    "setWeight (wider)": lambda strategy, who: (strategy, 5_000, 10_000),
    "setDepositLimit (up)": lambda strategy, who: (UNLIMITED - 1,),
    "setDepositLimit (down)": lambda strategy, who: (0,),
    "setLossBudget (up)": lambda strategy, who: (10_000, DAY),
    "setLossBudget (down)": lambda strategy, who: (0, DAY),
    "setQueue": lambda strategy, who: ([strategy],),
    "setFees": lambda strategy, who: (5_000, 500, who),
    "setPace": lambda strategy, who: (3_600, DAY, 65_535),
    "setGate": lambda strategy, who: (who,),
    "setLimits": lambda strategy, who: ("0x" + 40 * "0",),
    "pauseDeposits": lambda strategy, who: (),
    "unpauseDeposits": lambda strategy, who: (),
    "revoke": lambda strategy, who: (strategy,),
    "shutdown": lambda strategy, who: (),
    "setWaiting": lambda strategy, who: (True,),
}


def doors_open_to_a_stranger(arena):
    """Names of the role functions that an account without any role can call."""
    vault = arena.open()
    strategy = arena.add(5_000)
    vault.setCap(strategy, 10**6 * arena.unit, 9_000, sender=arena.owner)
    vault.setDepositLimit(UNLIMITED - 2, sender=arena.owner)
    passed = []
    for name, arguments in CALLS.items():
        who = arena.attacker
        given = arguments(strategy, who)
        if name == "addStrategy":
            given = (arena.owner.deploy(arena.project.StrategyStandIn, arena.token), *given[1:])
        if arena.passes(getattr(vault, name.split()[0]), *given, sender=who):
            passed.append(name)
    return passed


def make_oneself_the_fee_recipient(arena):
    """Attacker's gain: half of the next profit, as the recipient of a fee of 50 %."""
    vault = arena.open()
    strategy = arena.add()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    arena.rebalance()
    arena.wait(30 * DAY)
    before = arena.holds(arena.attacker)
    if arena.passes(vault.setFees, 5_000, 0, arena.attacker, sender=arena.attacker):
        vault.setFees(5_000, 0, arena.attacker, sender=arena.attacker)
    strategy.earn(100 * arena.unit, sender=arena.keeper)
    arena.report()
    arena.wait(30 * DAY)
    return arena.holds(arena.attacker) - before


def code_run_from_outside(arena):
    """Functions of the vault's code that run when it is called at its own address."""
    vault = arena.open()
    books, rules = arena.project.VaultBooks.at(vault.books()), arena.project.VaultRules.at(vault.rules())
    set_up = (0, 0, arena.attacker, DAY, DAY, 0, 0, DAY, arena.attacker)
    calls = [
        (books, books.draw, (0, 0, False, arena.attacker, False, arena.token)),
        (books, books.takeInKind, (0, arena.attacker, arena.attacker, arena.token)),
        (books, books.move, (arena.attacker, 0, 0, arena.token)),
        (books, books.report, ()),
        (rules, rules.setUp, set_up),
    ]
    return [
        call.abis[0].name
        for code, call, arguments in calls
        if arena.passes(call, *arguments, contract=code, sender=arena.attacker)
    ]


def use_a_permit_twice(arena):
    """What the attacker takes beyond what the victim has signed for."""
    vault = arena.open()
    arena.deposit(arena.victim, 1_000 * arena.unit)
    shares = 100 * 10**6 * arena.unit
    deadline = arena.now() + DAY
    signature = sign_permit(vault, arena.victim, arena.attacker, shares, deadline)
    permit = (arena.victim, arena.attacker, shares, deadline, *signature)
    before = arena.token.balanceOf(arena.attacker)
    for _ in range(3):
        if arena.passes(vault.permit, *permit, sender=arena.attacker):
            vault.permit(*permit, sender=arena.attacker)
            vault.redeem(shares, arena.attacker, arena.victim, sender=arena.attacker)
    return arena.token.balanceOf(arena.attacker) - before - 100 * arena.unit


def sign_permit(vault, holder, spender, value, deadline):
    """v, r, s of an ERC-2612 permit."""
    fields = {"owner": "address", "spender": "address", "value": "uint256", "nonce": "uint256", "deadline": "uint256"}
    message = encode_typed_data(
        {
            "name": vault.name(),
            "version": "1",
            "chainId": vault.provider.chain_id,
            "verifyingContract": vault.address,
        },
        {"Permit": [{"name": name, "type": kind} for name, kind in fields.items()]},
        dict(zip(fields, (holder.address, spender.address, value, vault.nonces(holder), deadline), strict=True)),
    )
    signature = holder.sign_message(message)
    # Ape drops leading zeros, which encoding would put back at the wrong end.
    return signature.v, signature.r.rjust(32, b"\0"), signature.s.rjust(32, b"\0")


def test_roles__a_stranger_can_call_none_of_their_functions(ours, without):
    assert doors_open_to_a_stranger(ours) == []
    weak = without(Defence.ROLES)
    assert doors_open_to_a_stranger(weak) == list(CALLS), "each call would pass but for the check"


def test_roles__a_stranger_cannot_take_the_fees(ours, without):
    assert make_oneself_the_fee_recipient(ours) == 0
    weak = without(Defence.ROLES)
    assert make_oneself_the_fee_recipient(weak) > 45 * weak.unit


def test_code__does_nothing_at_its_own_address(ours, without):
    assert code_run_from_outside(ours) == []
    everything = ["draw", "takeInKind", "move", "report", "setUp"]
    assert code_run_from_outside(without(Defence.ONLY_DELEGATED)) == everything


def test_code__helpers_of_the_books_are_no_functions_of_the_vault(ours):
    """An exit is made of them: called on the vault they would free assets, or burn a holder's shares, for nobody."""
    vault = ours.open()
    strategy = ours.add()
    ours.deposit(ours.victim, 1_000 * ours.unit)
    token = ours.token.address
    helpers = {
        "draw(uint256,uint256,bool,address,bool,address)": (1, 1, False, ours.attacker.address, True, token),
        "move(address,uint256,uint256,address)": (strategy.address, 0, 1, token),
        "takeInKind(uint256,address,address,address)": (1, ours.attacker.address, ours.victim.address, token),
        "setUp(uint256,uint256,address,uint256,uint256,uint256,uint256,uint256,address)": (
            *(0, 0, ours.attacker.address, DAY, DAY, 0, 0, DAY, ours.attacker.address),
        ),
    }
    for signature, arguments in helpers.items():
        kinds = signature[signature.index("(") + 1 : -1].split(",")
        data = keccak(text=signature)[:4] + encode(kinds, arguments)
        with pytest.raises(Exception, match="revert"):
            vault.provider.web3.eth.call({"from": ours.attacker.address, "to": vault.address, "data": data})


def test_permit__is_used_once(ours, without):
    assert use_a_permit_twice(ours) == 0
    weak = without(Defence.NONCES)
    assert use_a_permit_twice(weak) == 200 * weak.unit
