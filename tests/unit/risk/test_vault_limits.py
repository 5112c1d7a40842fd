"""What a vault's strategies expose it to together."""

import pytest

from ballast import mainnet
from ballast import properties as P
from ballast.fuzz.chain import Reverted
from ballast.fuzz.world import CURATOR, DEPOSITORS, FEE_RECIPIENT, GUARDIAN, OWNER, STRANGER

WAD = 10**18
UNIT = 10**6
DAY = 86_400
UNLIMITED = 2**128 - 1
MOST = 2**255 - 1
BEYOND = 2**255
ETHER, OTHER = mainnet.WETH, mainnet.USDC
REVERTS, BURNS_GAS = 1, 2
DEPOSITOR, ELSE = DEPOSITORS[:2]
#: delta 50 %, gamma 5 %, leverage 2, one risk 60 %
CAPS = (WAD // 2, WAD // 20, 2 * WAD, 6 * WAD // 10)


@pytest.fixture(scope="module")
def summed(made, memory):
    """A vault of 1,000: 400 in a strategy of which it owns half, 300 in one of its own, 200 lent out, 100 idle."""

    def make(name, *arguments):
        return made.make(memory, name, *arguments, sender=OWNER)

    token = make("TokenStandIn", 6)
    code = [make(name).address for name in ("VaultBooks", "VaultRules", "VaultViews")]
    terms = (0, 0, 65_535, 10 * DAY, DAY, 100, DAY)
    vault = make("Vault", (token.address, "V", "V", OWNER, GUARDIAN, CURATOR, FEE_RECIPIENT, *terms), *code)
    half, whole = (make("ExposedStandIn", token.address) for _ in range(2))
    lent = make("StrategyStandIn", token.address)
    for holder, spender in ((DEPOSITOR, vault), (ELSE, half)):
        token.mint(holder, 10**15, sender=OWNER)
        token.approve(spender.address, UNLIMITED, sender=holder)
    for strategy, target, is_volatile in ((half, 4_000, True), (whole, 3_000, True), (lent, 2_000, False)):
        vault.addStrategy(strategy.address, UNLIMITED, 10_000, target, 10, is_volatile, sender=OWNER)
    vault.deposit(1_000 * UNIT, DEPOSITOR, sender=DEPOSITOR)
    vault.rebalance(sender=STRANGER)
    half.deposit(400 * UNIT, ELSE, sender=ELSE)
    limits = make("VaultLimits", OWNER, GUARDIAN)
    limits.setCaps(vault.address, CAPS, sender=OWNER)
    return {"vault": vault, "half": half, "whole": whole, "lent": lent, "limits": limits, "token": token}


@pytest.fixture(scope="module")
def limits(summed):
    return summed["limits"]


@pytest.fixture(scope="module")
def vault(summed):
    return summed["vault"].address


@pytest.fixture
def expose(summed):
    def say(which, *, base=ETHER, delta=0, gamma=0, gross=0, net=0):
        summed[which].setExposure((base, delta * UNIT, gamma * UNIT, gross * UNIT, net * UNIT), sender=OWNER)

    return say


@pytest.fixture
def usual(expose):
    """Half's own books: 800 net, so 400 of it the vault's; whole's: 300."""
    expose("half", delta=600, gamma=-40, gross=1_600, net=800)
    expose("whole", delta=-100, gamma=-10, gross=500, net=300)


def test_measure__adds_up_the_vaults_parts_and_nets_one_base(limits, vault, usual):
    # delta 300 - 100, gamma -20 - 10, gross 800 + 500, all of 1,000; no risks named
    assert limits.measure(vault) == (WAD // 5, 3 * WAD // 100, 13 * WAD // 10, 0)
    assert limits.isWithin(vault)


def test_measure__different_bases_do_not_net(limits, vault, usual, expose):
    expose("whole", base=OTHER, delta=-100, gamma=10, gross=500, net=300)
    # 300 + 100, 20 + 10
    assert limits.measure(vault)[:2] == (4 * WAD // 10, 3 * WAD // 100)


def test_measure__is_by_the_present_net_value_and_not_by_the_debt(limits, vault, usual, expose):
    expose("half", delta=600, gamma=-40, gross=1_600, net=400)
    # half lost half: 1,000 - 400 + 200 = 800
    assert limits.measure(vault) == (WAD // 4, 3 * WAD // 80, 13 * WAD // 8, 0)


def test_measure__what_only_lends_has_no_exposure_and_counts_in_the_value(limits, vault, expose):
    expose("half", net=800)
    expose("whole", net=300)
    assert limits.measure(vault) == (0, 0, 0, 0)


def test_measure__of_a_strategy_under_water(limits, vault, usual, expose):
    expose("whole", delta=1, gross=1, net=-700)
    # 1,000 - 300 - 700 = 0: 300 + 1 of delta against nothing
    assert limits.measure(vault) == (BEYOND + 301 * UNIT, BEYOND + 20 * UNIT, BEYOND + 801 * UNIT, 0)
    assert not limits.isWithin(vault)


def test_measure__the_largest_share_of_one_risk(limits, vault, usual, summed):
    for name in (b"aave", b"uniswap"):
        summed["vault"].setRiskCap(name, UNLIMITED, 10_000, sender=OWNER)
    summed["vault"].setRisks(
        summed["half"].address, [b"aave".ljust(32, b"\0"), b"uniswap".ljust(32, b"\0")], sender=OWNER
    )
    summed["vault"].setRisks(summed["lent"].address, [b"aave".ljust(32, b"\0")], sender=OWNER)
    summed["vault"].setRisks(summed["whole"].address, [b"uniswap".ljust(32, b"\0")], sender=OWNER)
    # aave 400 + 200, uniswap 400 + 300
    assert limits.measure(vault)[3] == 7 * WAD // 10
    assert not limits.isWithin(vault)


def test_measure__what_is_worth_less_than_nothing_bears_no_share_of_a_risk(limits, vault, usual, summed, expose):
    summed["vault"].setRiskCap(b"uniswap", UNLIMITED, 10_000, sender=OWNER)
    summed["vault"].setRisks(summed["whole"].address, [b"uniswap".ljust(32, b"\0")], sender=OWNER)
    expose("whole", net=-100)
    assert limits.measure(vault)[3] == 0


def test_measure__a_strategy_that_has_nothing_of_the_vaults_exposes_it_to_nothing(limits, vault, usual, summed, made):
    before = limits.measure(vault)
    other = made.make(limits.chain, "ExposedStandIn", summed["token"].address, sender=OWNER)
    summed["vault"].addStrategy(other.address, UNLIMITED, 10_000, 0, 10, True, sender=OWNER)
    other.setExposure((ETHER, 10**15, 10**15, 10**15, 10**15), sender=OWNER)
    assert limits.measure(vault) == before


@pytest.mark.parametrize("silence", [REVERTS, BURNS_GAS])
def test_blind__while_a_volatile_strategy_says_nothing_nothing_may_add(limits, vault, usual, summed, expose, silence):
    summed["whole"].setSilence(silence, sender=OWNER)
    before = limits.measure(vault)
    # its debt of 300 is added to all that is exposed
    assert before == tuple(BEYOND + each * UNIT for each in (600, 320, 1_100, 300))
    assert not limits.isWithin(vault)
    limits.check(vault, before)
    expose("half", delta=598, gamma=-40, gross=1_600, net=800)
    limits.check(vault, before)
    expose("half", delta=602, gamma=-40, gross=1_600, net=800)
    with pytest.raises(Reverted) as caught:
        limits.check(vault, before)
    assert caught.value.name == "LimitExceeded"
    assert caught.value.values[0].rstrip(b"\0") == b"delta"


def test_blind__starving_the_call_of_gas_makes_nobody_look_blind(limits, vault, usual, memory, summed):
    """A strategy that takes 1.4 M to say its exposure, asked with a little less: what is left would do for the rest."""
    summed["whole"].setWork(1_400_000, sender=OWNER)
    data = limits.measure.data(vault)

    def ask(gas):
        return memory._evm.message_call(STRANGER, limits.address, calldata=data, is_static=True, gas=gas)

    full = ask(10_000_000)
    answered = 0
    for gas in range(1_400_000, 3_400_000, 10_000):
        try:
            found = ask(gas)
        except RuntimeError:
            continue
        answered += 1
        assert found == full
    assert answered > 10


def test_blind__a_smooth_strategy_that_says_nothing_is_taken_at_its_debt(limits, vault, usual, summed):
    assert summed["vault"].strategy(summed["lent"].address)[0] == 200 * UNIT
    assert limits.measure(vault)[0] == WAD // 5


def test_measure__in_the_middle_of_the_vaults_call_takes_the_assets_it_is_told(limits, vault, usual):
    assert limits.measure(vault, 1_000 * UNIT) == limits.measure(vault)
    assert limits.measure(vault, 2_000 * UNIT)[0] == WAD // 10


def test_measure__can_be_asked_by_the_vault_in_the_middle_of_its_call_and_by_nobody_else(limits, vault, usual, summed):
    """Told the assets it reads only what the vault never locks; the plain one would need what is in motion."""
    token, strategy = summed["token"], summed["whole"]
    for data, answers in ((limits.measure.data(vault, 1_000 * UNIT), True), (limits.measure.data(vault), False)):
        strategy.setCallback(limits.address, data, sender=OWNER)
        token.mint(DEPOSITOR, 1_000 * UNIT, sender=OWNER)
        summed["vault"].deposit(1_000 * UNIT, DEPOSITOR, sender=DEPOSITOR)
        summed["vault"].rebalance(sender=STRANGER)
        assert strategy.reentered() is answers


def test_check__a_change_for_the_better_passes_beyond_the_limit(limits, vault, usual, expose):
    expose("half", delta=1_600, gamma=-40, gross=1_600, net=800)
    before = limits.measure(vault)
    assert before[0] == 7 * WAD // 10
    expose("half", delta=1_500, gamma=-40, gross=1_600, net=800)
    limits.check(vault, before)
    limits.check(vault, 1_000 * UNIT, before)
    expose("half", delta=1_602, gamma=-40, gross=1_600, net=800)
    for arguments in ((vault, before), (vault, 1_000 * UNIT, before)):
        with pytest.raises(Reverted) as caught:
            limits.check(*arguments)
        assert caught.value.name == "LimitExceeded"
        assert caught.value.values == (b"delta".ljust(32, b"\0"), 701 * WAD // 1000, WAD // 2, 7 * WAD // 10)


def test_readings__are_the_measures_against_their_limits(limits, vault, usual):
    names = [b"delta", b"gamma", b"leverage", b"share"]
    values = limits.measure(vault)
    assert limits.readings(vault) == tuple(
        (name.ljust(32, b"\0"), value, 0, 0, cap) for name, value, cap in zip(names, values, CAPS, strict=True)
    )


def test_readings__of_what_is_beyond_measure_are_the_largest_number(limits, vault, usual, expose):
    expose("whole", net=-10_000)
    assert [each[1] for each in limits.readings(vault)] == [MOST, MOST, MOST, 0]


def test_measure__claims_of_any_size_never_revert(limits, vault, summed, usual):
    for sign in (1, -1):
        summed["whole"].setExposure((ETHER, sign * MOST, sign * MOST, 2**256 - 1, sign * MOST), sender=OWNER)
        summed["half"].setExposure((OTHER, -(2**255), -(2**255), 2**256 - 1, -sign * MOST), sender=OWNER)
        limits.measure(vault)
        assert not limits.isWithin(vault)


def test_caps__the_owner_sets_and_the_guardian_only_lowers(limits, vault):
    lower, higher = ((*CAPS[:2], CAPS[2] + sign, CAPS[3]) for sign in (-1, 1))
    with pytest.raises(Reverted, match="Loosens"):
        limits.setCaps(vault, higher, sender=GUARDIAN)
    with pytest.raises(Reverted, match="Unauthorized"):
        limits.setCaps(vault, lower, sender=STRANGER)
    limits.setCaps(vault, lower, sender=GUARDIAN)
    assert limits.capsOf(vault) == lower
    with pytest.raises(Reverted, match="Loosens"):
        limits.setCaps(vault, CAPS, sender=GUARDIAN)
    limits.setCaps(vault, higher, sender=OWNER)
    assert limits.capsOf(vault) == higher


def test_caps__of_a_vault_nobody_set_are_unknown(limits):
    for call in (
        lambda: limits.capsOf(STRANGER),
        lambda: limits.setCaps(STRANGER, CAPS, sender=GUARDIAN),
    ):
        with pytest.raises(Reverted) as caught:
            call()
        assert (caught.value.name, caught.value.values) == ("UnknownVault", (STRANGER,))
    with pytest.raises(Reverted, match="ZeroAddress"):
        limits.setCaps("0x" + 40 * "0", CAPS, sender=OWNER)


@pytest.fixture(scope="module")
def bounded(summed):
    """The vault asks the limits. Half is 40 % of it, with a leverage of two and a delta of .8 of the net value."""
    summed["half"].setLeverage(ETHER, 2 * WAD, sender=OWNER)
    summed["whole"].setExposure((ETHER, 0, 0, 0, 300 * UNIT), sender=OWNER)
    summed["limits"].setCaps(summed["vault"].address, (9 * WAD // 10, WAD, 2 * WAD, WAD), sender=OWNER)
    summed["vault"].setLimits(summed["limits"].address, sender=OWNER)
    return summed["vault"]


def weigh(vault, strategy, bps):
    """Give a strategy another weight, and have a stranger bring it about."""
    vault.setWeight(strategy.address, bps, 10, sender=OWNER)
    vault.rebalance(sender=STRANGER)


def test_vault__rebalances_up_to_its_limits_and_not_beyond(bounded, summed, limits):
    weigh(bounded, summed["half"], 4_500)
    assert limits.measure(bounded.address)[0] == 9 * WAD // 10
    with pytest.raises(Reverted) as caught:
        weigh(bounded, summed["half"], 4_600)
    assert caught.value.name == "LimitExceeded", P.VAULT_LIMITS
    assert caught.value.values == (b"delta".ljust(32, b"\0"), 92 * WAD // 100, 9 * WAD // 10, 9 * WAD // 10)
    assert bounded.strategy(summed["half"].address)[0] == 450 * UNIT


def test_vault__beyond_its_limits_rebalances_towards_them_alone(bounded, summed, limits):
    limits.setCaps(bounded.address, (WAD // 10, WAD, WAD, WAD), sender=GUARDIAN)
    weigh(bounded, summed["half"], 2_000)
    assert limits.measure(bounded.address)[0] == 4 * WAD // 10
    with pytest.raises(Reverted, match="LimitExceeded"):
        weigh(bounded, summed["half"], 2_100)


def test_vault__beyond_its_limits_reports_and_pays_as_ever(bounded, summed, limits):
    limits.setCaps(bounded.address, (0, 0, 0, 0), sender=GUARDIAN)
    summed["half"].setSilence(REVERTS, sender=OWNER)
    bounded.report(sender=STRANGER)
    bounded.redeem(bounded.balanceOf(DEPOSITOR), DEPOSITOR, DEPOSITOR, sender=DEPOSITOR)
    assert bounded.totalSupply() == 0


def test_vault__that_is_due_only_reports_when_nothing_is_to_be_moved(bounded, limits, memory):
    """What it is exposed to beyond its limits was there before."""
    limits.setCaps(bounded.address, (0, 0, 0, 0), sender=GUARDIAN)
    memory.wait(2 * DAY)
    bounded.rebalance(sender=STRANGER)
    assert bounded.lastReport() == memory.now


def test_vault__with_a_strategy_that_says_nothing_moves_nothing_to_it(bounded, summed):
    summed["half"].setSilence(REVERTS, sender=OWNER)
    with pytest.raises(Reverted, match="LimitExceeded"):
        weigh(bounded, summed["half"], 4_100)
    weigh(bounded, summed["half"], 3_900)


def test_vault__takes_no_limits_that_do_not_know_it(summed, made, memory):
    other = made.make(memory, "VaultLimits", OWNER, GUARDIAN, sender=OWNER)
    with pytest.raises(Reverted, match="UnknownVault"):
        summed["vault"].setLimits(other.address, sender=OWNER)
    with pytest.raises(Reverted):
        summed["vault"].setLimits(STRANGER, sender=OWNER)
    for account in (GUARDIAN, CURATOR, STRANGER):
        with pytest.raises(Reverted, match="Unauthorized"):
            summed["vault"].setLimits(summed["limits"].address, sender=account)


def test_vault__without_limits_again_asks_nobody(bounded, summed, limits):
    assert bounded.limits() == limits.address
    bounded.setLimits("0x" + 40 * "0", sender=OWNER)
    assert int(bounded.limits(), 16) == 0
    weigh(bounded, summed["half"], 5_000)
    assert limits.measure(bounded.address)[0] == WAD


def test_vault__that_is_shut_down_is_held_back_by_no_limits(bounded, summed, limits):
    """Half's delta is hedged by whole's: that one comes home first, and leaves more net delta than there may be."""
    summed["whole"].setExposure((ETHER, -600 * UNIT, 0, 600 * UNIT, 300 * UNIT), sender=OWNER)
    limits.setCaps(bounded.address, (WAD // 4, WAD, 2 * WAD, WAD), sender=OWNER)
    assert limits.measure(bounded.address)[0] == WAD // 5
    summed["half"].setFreeable(0, sender=OWNER)
    bounded.shutdown(sender=GUARDIAN)
    bounded.rebalance(sender=STRANGER)
    assert bounded.strategy(summed["whole"].address)[0] == 0
    assert limits.measure(bounded.address)[0] == 8 * WAD // 10
    assert int(bounded.limits(), 16) == 0
    with pytest.raises(Reverted, match="IsShutdown"):
        bounded.setLimits(limits.address, sender=OWNER)
