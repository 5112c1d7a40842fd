"""ERC-4626 and ERC-20 as their texts have them, asked of the vault in many states, with nothing and with all."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from ballast import compiled
from ballast import properties as P
from ballast.fuzz.world import DONOR, FEE_RECIPIENT, GUARDIAN, KEEPER, OWNER, STRANGER
from tests.revm_kit import FIRST, MOST, SECOND, THIRD, Stage, refused
from tests.vault_kit import DAY, NOBODY

FEES = {"performanceFeeBps": 1_000, "managementFeeBps": 100}


def empty(stage):
    """Nobody has been there."""


def idle(stage):
    """All is idle."""
    stage.deposit(FIRST, 1_000)
    stage.deposit(SECOND, 17)


def at_work(stage):
    """Two strategies have earned; some of the profit is locked, some is not reported."""
    one, two = stage.add(5_000), stage.add(4_000)
    idle(stage)
    stage.rebalance()
    stage.chain.wait(2 * DAY)
    one.earn(stage.unit * 7 // 3 + 1, sender=KEEPER)
    stage.vault.report(sender=KEEPER)
    stage.chain.wait(DAY)
    two.earn(stage.unit // 3 + 1, sender=KEEPER)


def in_loss(stage):
    """A loss is not reported."""
    at_work(stage)
    strategy = stage.code.at(stage.chain, "StrategyStandIn", stage.vault.queue()[0])
    strategy.lose(100 * stage.unit, sender=KEEPER)


def dry(stage):
    """Strategies free little."""
    at_work(stage)
    for address in stage.vault.queue():
        stage.code.at(stage.chain, "StrategyStandIn", address).setFreeable(20 * stage.unit + 1, sender=KEEPER)


def volatile_up(stage):
    """A volatile strategy is worth more than the books say."""
    strategy = stage.add(9_000, volatile=True)
    idle(stage)
    stage.rebalance()
    strategy.earn(50 * stage.unit + 1, sender=KEEPER)


def volatile_down(stage):
    """A volatile strategy is worth less than the books say."""
    strategy = stage.add(9_000, volatile=True)
    idle(stage)
    stage.rebalance()
    strategy.lose(50 * stage.unit + 1, sender=KEEPER)


def awaited(stage):
    """Somebody waits for what cannot be freed."""
    dry(stage)
    stage.vault.approve(stage.redemptions.address, MOST, sender=SECOND)
    stage.redemptions.requestRedeem(stage.vault.balanceOf(SECOND) // 2, SECOND, SECOND, sender=SECOND)


def paused(stage):
    """Nobody enters."""
    at_work(stage)
    stage.vault.pauseDeposits(sender=GUARDIAN)


def limited(stage):
    """There is room for little."""
    at_work(stage)
    vault = stage.vault
    stage.vault.setDepositLimit(vault.idle() + vault.totalDebt() + 5 * stage.unit, sender=OWNER)


def gated(stage):
    """Only one holder may enter."""
    at_work(stage)
    gate = stage.make("GateStandIn")
    gate.admit(FIRST, sender=OWNER)
    stage.vault.setGate(gate.address, sender=OWNER)


SCENES = (empty, idle, at_work, in_loss, dry, volatile_up, volatile_down, awaited, paused, limited, gated)
DECIMALS = (0, 6, 18)
#: where anybody may enter with anything
OPEN = (empty, idle, at_work, in_loss, dry, volatile_up, volatile_down, awaited)


def staged(scenes):
    """Play the test in each of the scenes, the decimals by turns; at work with all of them."""
    played = dict.fromkeys((scene, DECIMALS[number % 3]) for number, scene in enumerate(scenes))
    played |= dict.fromkeys((at_work, decimals) for decimals in DECIMALS if at_work in scenes)
    ids = [f"{scene.__name__}-{decimals}" for scene, decimals in played]
    return pytest.mark.parametrize("stage", list(played), indirect=True, ids=ids)


@pytest.fixture(scope="module")
def scenes():
    """Every scene, set once; a test leaves it as it was."""
    compiled.ensure()
    return {}


@pytest.fixture
def stage(scenes, request):
    scene, decimals = key = request.param
    if key not in scenes:
        scenes[key] = Stage(decimals, terms=FEES)
        scene(scenes[key])
    with scenes[key].chain.isolated():
        yield scenes[key]


def amounts(most):
    """Amounts up to `most` that tell one rounding from another."""
    some = {0, 1, 2, 3, most // 1_000_003, most // 7, most // 2 + 1, most - 1, most}
    return sorted(amount for amount in some if 0 <= amount <= most)


def purse(stage, holder):
    """What the holder can pay, and the vault lets in."""
    return min(stage.token.balanceOf(holder) // 1_000, stage.vault.maxDeposit(holder))


# --- views ---


@staged(SCENES)
def test_views__never_revert(stage):
    vault = stage.vault
    assert vault.asset() == stage.token.address
    assert vault.decimals() == stage.decimals + 6, P.VAULT_DECIMALS
    for holder in (FIRST, SECOND, THIRD, STRANGER, NOBODY, vault.address):
        assert vault.maxDeposit(holder) >= 0 and vault.maxMint(holder) >= 0
        assert vault.maxWithdraw(holder) <= vault.totalAssets()
        assert vault.maxRedeem(holder) <= vault.balanceOf(holder)
    for amount in (0, 1, stage.unit, vault.totalSupply(), 2**128):
        for view in (vault.convertToShares, vault.convertToAssets, vault.previewDeposit, vault.previewMint):
            assert view(amount) >= 0
        assert vault.previewRedeem(amount) >= 0
        assert vault.previewWithdraw(amount) >= 0


@staged(SCENES)
def test_conversions__there_and_back_round_down(stage):
    vault = stage.vault
    for amount in amounts(10**6 * stage.unit):
        assert vault.convertToAssets(vault.convertToShares(amount)) <= amount
        assert vault.convertToShares(vault.convertToAssets(amount)) <= amount


@staged(SCENES)
def test_previews__are_on_the_safe_side_of_the_conversions(stage):
    vault = stage.vault
    for amount in amounts(10**6 * stage.unit):
        assert vault.previewDeposit(amount) <= vault.convertToShares(amount)
        assert vault.previewMint(amount) >= vault.convertToAssets(amount)
        assert vault.previewWithdraw(amount) >= vault.convertToShares(amount)
        assert vault.previewRedeem(amount) <= vault.convertToAssets(amount)


@staged(SCENES)
def test_previews__of_two_ways_agree_and_round_for_the_vault(stage):
    vault = stage.vault
    for assets in amounts(purse(stage, FIRST)):
        assert vault.previewMint(vault.previewDeposit(assets)) <= assets
    for shares in amounts(10**6 * purse(stage, FIRST)):
        assert vault.previewDeposit(vault.previewMint(shares)) >= shares
    for assets in amounts(vault.maxWithdraw(FIRST)):
        assert vault.previewRedeem(vault.previewWithdraw(assets)) >= assets
    for shares in amounts(vault.maxRedeem(FIRST)):
        assert vault.previewWithdraw(vault.previewRedeem(shares)) <= shares


# --- one call ---


@staged(SCENES)
def test_deposit__gives_what_was_previewed_for_what_was_said(stage):
    vault, token = stage.vault, stage.token
    for assets in amounts(purse(stage, FIRST)):
        with stage.chain.isolated():
            shares = vault.previewDeposit(assets)
            if shares == 0 and assets > 0:
                assert refused(vault.deposit, assets, SECOND, sender=FIRST).name == "ZeroShares"
                continue
            had, paid, mine = vault.balanceOf(SECOND), token.balanceOf(FIRST), vault.balanceOf(FIRST)
            assert vault.deposit(assets, FIRST, sender=FIRST) == shares, P.VAULT_PREVIEW
            assert vault.balanceOf(FIRST) - mine == shares
            assert paid - token.balanceOf(FIRST) == assets
            assert vault.balanceOf(SECOND) == had


@staged(SCENES)
def test_mint__costs_what_was_previewed_for_what_was_said(stage):
    vault, token = stage.vault, stage.token
    for shares in amounts(min(vault.maxMint(FIRST), vault.convertToShares(purse(stage, FIRST)))):
        with stage.chain.isolated():
            assets = vault.previewMint(shares)
            had, paid = vault.balanceOf(FIRST), token.balanceOf(FIRST)
            assert vault.mint(shares, FIRST, sender=FIRST) == assets, P.VAULT_PREVIEW
            assert vault.balanceOf(FIRST) - had == shares
            assert paid - token.balanceOf(FIRST) == assets
            assert assets > 0 or shares == 0


@staged(SCENES)
def test_withdraw__up_to_the_limit_costs_what_was_previewed(stage):
    vault, token = stage.vault, stage.token
    for assets in amounts(vault.maxWithdraw(FIRST)):
        with stage.chain.isolated():
            shares = vault.previewWithdraw(assets)
            had, got = vault.balanceOf(FIRST), token.balanceOf(THIRD)
            assert vault.withdraw(assets, THIRD, FIRST, sender=FIRST) == shares, P.VAULT_PREVIEW
            assert had - vault.balanceOf(FIRST) == shares
            assert token.balanceOf(THIRD) - got == assets


@staged(SCENES)
def test_redeem__up_to_the_limit_pays_what_was_previewed(stage):
    vault, token = stage.vault, stage.token
    for shares in amounts(vault.maxRedeem(FIRST)):
        with stage.chain.isolated():
            assets = vault.previewRedeem(shares)
            had, got = vault.balanceOf(FIRST), token.balanceOf(THIRD)
            assert vault.redeem(shares, THIRD, FIRST, sender=FIRST) == assets, P.VAULT_PREVIEW
            assert had - vault.balanceOf(FIRST) == shares
            assert token.balanceOf(THIRD) - got == assets


@staged(SCENES)
def test_nothing__may_go_in_and_out_and_changes_nothing(stage):
    vault = stage.vault
    holder = FIRST
    before = (vault.totalSupply(), vault.totalAssets(), vault.balanceOf(holder), stage.token.balanceOf(holder))
    if stage.vault.maxDeposit(holder) > 0:
        assert vault.deposit(0, holder, sender=holder) == vault.mint(0, holder, sender=holder) == 0
    assert vault.withdraw(0, holder, holder, sender=holder) == 0
    assert vault.redeem(0, holder, holder, sender=holder) == 0
    after = (vault.totalSupply(), vault.totalAssets(), vault.balanceOf(holder), stage.token.balanceOf(holder))
    # an exit books the losses of volatile strategies
    assert after == before or (after[1] < before[1] and vault.deficit() > 0)


# --- limits ---


@staged(SCENES)
def test_limits__pass_and_what_is_more_does_not(stage):
    vault = stage.vault
    for limit, call, parties in (
        (vault.maxDeposit, vault.deposit, (FIRST,)),
        (vault.maxMint, vault.mint, (FIRST,)),
        (vault.maxWithdraw, vault.withdraw, (FIRST, FIRST)),
        (vault.maxRedeem, vault.redeem, (FIRST, FIRST)),
    ):
        most = limit(FIRST)
        if most > 10**30:  # nobody has so much
            continue
        stage.token.mint(FIRST, 10**30, sender=OWNER)
        with stage.chain.isolated():
            call(most, *parties, sender=FIRST)
        # rounding of the strategies is kept out of the limit
        above = most + (vault.convertToShares(8) if limit in (vault.maxMint, vault.maxRedeem) else 8)
        assert refused(call, above, *parties, sender=FIRST).name in (
            "DepositExceedsMax",
            "NotAdmitted",
            "InsufficientLiquidity",
            "ERC20InsufficientBalance",
        )


@staged((paused, gated, limited))
def test_limits__of_who_may_not_enter_are_nothing(stage):
    vault, who = stage.vault, SECOND
    if vault.maxDeposit(FIRST) > 0 and vault.gate() == NOBODY:  # limited
        stage.vault.setDepositLimit(0, sender=GUARDIAN)
    assert vault.maxDeposit(who) == vault.maxMint(who) == 0
    assert refused(vault.deposit, 1, who, sender=who).name in ("DepositExceedsMax", "NotAdmitted", "ZeroShares")
    assert refused(vault.mint, 10**6, who, sender=who).name in ("DepositExceedsMax", "NotAdmitted")
    assert vault.maxRedeem(who) > 0


# --- round trips, within one moment ---


@staged(OPEN)
def test_round_trips__gain_nothing(stage):
    vault = stage.vault
    for assets in amounts(purse(stage, THIRD))[1:]:
        with stage.chain.isolated():
            if vault.previewDeposit(assets) == 0:
                continue
            shares = vault.deposit(assets, THIRD, sender=THIRD)
            with stage.chain.isolated():
                most = vault.maxRedeem(THIRD)
                assert vault.redeem(most, THIRD, THIRD, sender=THIRD) <= assets, P.VAULT_ROUND_TRIP
            with stage.chain.isolated():
                if vault.maxWithdraw(THIRD) >= assets:  # only where it is worth no less
                    assert vault.withdraw(assets, THIRD, THIRD, sender=THIRD) >= shares, P.VAULT_ROUND_TRIP
            assert vault.maxWithdraw(THIRD) <= assets, P.VAULT_ROUND_TRIP
    for shares in amounts(vault.convertToShares(purse(stage, THIRD)))[1:]:
        with stage.chain.isolated():
            cost = vault.mint(shares, THIRD, sender=THIRD)
            assert vault.redeem(vault.maxRedeem(THIRD), THIRD, THIRD, sender=THIRD) <= cost, P.VAULT_ROUND_TRIP


@staged(OPEN)
def test_round_trips__out_and_in_again_gain_nothing(stage):
    vault = stage.vault
    for shares in amounts(vault.maxRedeem(FIRST))[1:]:
        with stage.chain.isolated():
            assets = vault.redeem(shares, FIRST, FIRST, sender=FIRST)
            if vault.previewDeposit(assets) > 0:
                assert vault.deposit(assets, FIRST, sender=FIRST) <= shares, P.VAULT_ROUND_TRIP
    for assets in amounts(vault.maxWithdraw(FIRST))[1:]:
        with stage.chain.isolated():
            shares = vault.withdraw(assets, FIRST, FIRST, sender=FIRST)
            assert vault.mint(shares, FIRST, sender=FIRST) >= assets, P.VAULT_ROUND_TRIP


# --- whose money, whose shares ---


@staged((at_work,))
def test_deposit__takes_the_callers_assets_whoever_receives(stage):
    vault, token = stage.vault, stage.token
    for call in (vault.deposit, vault.mint):
        paid, had, other = token.balanceOf(FIRST), token.balanceOf(SECOND), vault.balanceOf(SECOND)
        call(stage.unit, SECOND, sender=FIRST)
        assert token.balanceOf(FIRST) < paid
        assert token.balanceOf(SECOND) == had
        assert vault.balanceOf(SECOND) > other
    # and what the receiver allows the vault is not touched
    token.approve(vault.address, 0, sender=FIRST)
    assert refused(vault.deposit, stage.unit, SECOND, sender=FIRST).name == "ERC20InsufficientAllowance"


@staged((idle, at_work, volatile_down, awaited))
@pytest.mark.parametrize("way", ["withdraw", "redeem", "redeemInKind"])
def test_exit__by_another_needs_an_allowance_and_uses_it_up(stage, way):
    vault = stage.vault
    amount = 10 * stage.unit * (10**6 if way != "withdraw" else 1)
    call = getattr(vault, way)
    rest = (10_000,) if way == "redeemInKind" else ()

    def leave():
        return call(amount, THIRD, FIRST, *rest, sender=THIRD)

    assert refused(call, amount, THIRD, FIRST, *rest, sender=THIRD).name == "ERC20InsufficientAllowance"
    with stage.chain.isolated():
        vault.approve(THIRD, MOST, sender=FIRST)
        had = vault.balanceOf(FIRST)
        leave()
        cost = had - vault.balanceOf(FIRST)
        assert cost > 0
        assert vault.allowance(FIRST, THIRD) == MOST, "an allowance without limit stays one"
    with stage.chain.isolated():
        vault.approve(THIRD, cost + 5, sender=FIRST)
        leave()
        assert vault.allowance(FIRST, THIRD) == 5
    vault.approve(THIRD, cost - 1, sender=FIRST)
    error = refused(call, amount, THIRD, FIRST, *rest, sender=THIRD)
    assert (error.name, error.values) == ("ERC20InsufficientAllowance", (THIRD, cost - 1, cost))


@staged((at_work, volatile_up))
@pytest.mark.parametrize("way", ["withdraw", "redeem", "redeemInKind"])
def test_exit__to_the_vault_itself_is_a_gift_that_nobody_can_take(stage, way):
    """Nothing is minted for it, and it is in no one's price."""
    vault = stage.vault
    price = vault.convertToAssets(10**30)
    rest = (10_000,) if way == "redeemInKind" else ()
    amount = stage.unit * (10**6 if way != "withdraw" else 1)
    getattr(vault, way)(amount, vault.address, FIRST, *rest, sender=FIRST)
    assert stage.token.balanceOf(vault.address) >= vault.idle(), P.VAULT_SOLVENT
    assert vault.convertToAssets(10**30) == pytest.approx(price, rel=1e-6)
    sum_ = sum(
        vault.balanceOf(who) for who in (FIRST, SECOND, THIRD, FEE_RECIPIENT, vault.redemptions(), vault.address)
    )
    assert sum_ == vault.totalSupply(), P.VAULT_SHARES


@staged((at_work,))
def test_nobody__receives_nothing(stage):
    vault = stage.vault
    for call, *parties in (
        (vault.deposit, NOBODY),
        (vault.mint, NOBODY),
        (vault.withdraw, NOBODY, FIRST),
        (vault.redeem, NOBODY, FIRST),
        (vault.transfer,),
    ):
        arguments = (NOBODY, 1) if call == vault.transfer else (stage.unit, *parties)
        assert refused(call, *arguments, sender=FIRST).name == "ERC20InvalidReceiver"
    assert refused(vault.redeemInKind, stage.unit, NOBODY, FIRST, 10_000, sender=FIRST).name == "ERC20InvalidReceiver"


# --- shares as an ERC-20 ---


@staged((at_work,))
def test_transfer__to_oneself_changes_nothing(stage):
    vault = stage.vault
    had, supply = vault.balanceOf(FIRST), vault.totalSupply()
    for shares in (0, 1, had):
        assert vault.transfer(FIRST, shares, sender=FIRST) is True
        assert (vault.balanceOf(FIRST), vault.totalSupply()) == (had, supply)
    error = refused(vault.transfer, FIRST, had + 1, sender=FIRST)
    assert (error.name, error.values) == ("ERC20InsufficientBalance", (FIRST, had, had + 1))


@staged((at_work,))
def test_transfer__moves_shares_and_no_price(stage):
    vault = stage.vault
    had, price = vault.balanceOf(FIRST), vault.convertToAssets(10**30)
    vault.transfer(STRANGER, had // 3, sender=FIRST)
    vault.approve(THIRD, had // 3, sender=FIRST)
    vault.transferFrom(FIRST, STRANGER, had // 3, sender=THIRD)
    assert vault.balanceOf(STRANGER) == 2 * (had // 3)
    assert vault.balanceOf(FIRST) == had - 2 * (had // 3)
    assert vault.allowance(FIRST, THIRD) == 0
    assert vault.convertToAssets(10**30) == price
    assert refused(vault.transferFrom, FIRST, THIRD, 1, sender=THIRD).name == "ERC20InsufficientAllowance"


@staged((at_work,))
@pytest.mark.parametrize("spoilt", [None, "late", "by another", "for another sum", "used"])
def test_permit__is_good_once_in_time_and_for_what_was_signed(stage, spoilt):
    vault, signer, sum_ = stage.vault, Account.create("holder"), 10**9
    deadline = stage.chain.now + DAY
    fields = {"owner": "address", "spender": "address", "value": "uint256", "nonce": "uint256", "deadline": "uint256"}
    domain = {"name": vault.name(), "version": "1", "chainId": 1, "verifyingContract": vault.address}
    message = dict(zip(fields, (signer.address, THIRD, sum_, 0, deadline), strict=True))
    types = {"Permit": [{"name": name, "type": kind} for name, kind in fields.items()]}
    signed = (Account.create("other") if spoilt == "by another" else signer).sign_message(
        encode_typed_data(domain, types, message)
    )
    word = sum_ + 1 if spoilt == "for another sum" else sum_
    permit = (signer.address, THIRD, word, deadline, signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32))
    if spoilt == "late":
        stage.chain.wait(2 * DAY)
    if spoilt in (None, "used"):
        vault.permit(*permit, sender=DONOR)
        assert vault.allowance(signer.address, THIRD) == sum_
        assert vault.nonces(signer.address) == 1
    if spoilt is not None:
        expected = "ERC2612ExpiredSignature" if spoilt == "late" else "ERC2612InvalidSigner"
        assert refused(vault.permit, *permit, sender=DONOR).name == expected


# --- what is said ---


@staged((at_work,))
def test_events__say_who_and_how_much(stage):
    vault, chain = stage.vault, stage.chain

    def said(name):
        (event,) = [each.values for each in chain.events() if each.name == name and each.address == vault.address]
        return {key: value.lower() if isinstance(value, str) else value for key, value in event.items()}

    first, second, third = FIRST.lower(), SECOND.lower(), THIRD.lower()
    shares = vault.deposit(stage.unit, SECOND, sender=FIRST)
    assert said("Deposit") == {"sender": first, "owner": second, "assets": stage.unit, "shares": shares}
    assert said("Transfer") == {"from": NOBODY, "to": second, "value": shares}
    vault.approve(THIRD, MOST, sender=SECOND)
    for way, amount in ((vault.withdraw, stage.unit // 2 + 1), (vault.redeem, shares // 3 + 1)):
        other = way(amount, FIRST, SECOND, sender=THIRD)
        assets, burnt = (amount, other) if way is vault.withdraw else (other, amount)
        assert said("Withdraw") == {
            "sender": third,
            "receiver": first,
            "owner": second,
            "assets": assets,
            "shares": burnt,
        }


def test_scenes__are_what_they_say():
    """The states above are not all one state."""
    compiled.ensure()
    seen = set()
    for scene in SCENES:
        stage = Stage(terms=FEES)
        scene(stage)
        vault = stage.vault
        seen.add(
            (
                vault.totalSupply() > 0,
                vault.totalDebt() > 0,
                vault.lockedProfit() > 0,
                vault.maxDeposit(SECOND) == 0,
                vault.maxDeposit(SECOND) < 10 * stage.unit,
                vault.maxDeposit(FIRST) == 0,
                vault.maxRedeem(FIRST) < vault.balanceOf(FIRST),
                vault.previewDeposit(10**9) < vault.convertToShares(10**9),
                vault.previewRedeem(10**15) < vault.convertToAssets(10**15),
                stage.redemptions.waiting() > 0,
                vault.previewRedeem(vault.balanceOf(FIRST)) < vault.convertToAssets(vault.balanceOf(FIRST)),
            )
        )
    assert len(seen) == len(SCENES)
