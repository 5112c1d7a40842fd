"""The keeper on the fork: real vault, real router, real markets."""

import pytest
from ape import project as ape_project
from eth_utils import to_checksum_address
from web3 import HTTPProvider, Web3

from ballast import mainnet
from ballast.chain import NodeError
from ballast.keeper import ChainCourier, ChainReader, Contract, ErrorBook, Job, Keeper, Result, targets
from ballast.keeper.courier import REBALANCE
from ballast.keeper.signing import ApeSigner
from tests.router_kit import AAVE, DAY, UNLIMITED, USDC, WINDOW, out_of_band

GWEI = 10**9
SHARE = 10**12  # for one USDC
OVERSTATES = 4  # StrategyStandIn.Fault
REVERTS = to_checksum_address("0x" + "b0" * 20)
BURNS_GAS = [to_checksum_address(f"0xb1{index:038x}") for index in range(3)]
EMPTY = to_checksum_address("0x" + "b2" * 20)


class CountingProvider(HTTPProvider):
    """An HTTP connection that writes down which methods were called."""

    def __init__(self, uri):
        super().__init__(uri)
        self.methods = []

    def make_request(self, method, params):
        self.methods.append(method)
        return super().make_request(method, params)


@pytest.fixture
def rpc(w3):
    return Web3(CountingProvider(w3.provider.endpoint_uri))


@pytest.fixture(scope="module")
def errors():
    return ErrorBook(error.model_dump() for kind in ape_project.load_contracts().values() for error in kind.errors)


@pytest.fixture(scope="module")
def vault(project, vault_code, owner, guardian, curator, fee_recipient, router):
    vault = owner.deploy(
        project.Vault,
        (
            *(mainnet.USDC, "Ballast USDC", "bUSDC", owner, guardian, curator, fee_recipient),
            *(1000, 0, 5000, 10 * DAY, DAY, 10, DAY),
        ),
        *vault_code,
    )
    vault.addStrategy(router, UNLIMITED, 10_000, 9_500, 100, False, sender=owner)
    return vault


@pytest.fixture(scope="module")
def funded(vault, router, usdc, give_usdc, depositor, keeper):
    """One million USDC idle in the vault; the router empty and freshly observed."""
    give_usdc(depositor, 1_000_000 * USDC)
    usdc.approve(vault, 2**256 - 1, sender=depositor)
    vault.deposit(1_000_000 * USDC, depositor, sender=depositor)
    router.rebalance(sender=keeper)
    return vault


@pytest.fixture
def placed(funded, router, keeper, chain):
    """The vault in band: 950,000 USDC in the router."""
    funded.rebalance(sender=keeper)
    chain.mine()  # the router leaves what came in this block alone until the next
    if out_of_band(router):
        router.rebalance(sender=keeper)
    return funded


@pytest.fixture
def set_base_fee(chain):
    """Set the base fee (gwei) of the blocks to come."""

    def set_to(gwei):
        chain.provider.make_request("anvil_setNextBlockBaseFeePerGas", [hex(gwei * GWEI)])
        chain.mine()
        chain.provider.make_request("anvil_setNextBlockBaseFeePerGas", [hex(gwei * GWEI)])

    yield set_to
    set_to(1)  # a snapshot doesn't take it back


@pytest.fixture
def make(rpc, errors, keeper):
    def build(*contracts, signer=True, queues=False, **options):
        named = [c if isinstance(c, Contract) else Contract(c.address, c.contract_type.name) for c in contracts]
        named = targets.with_queues(rpc, named) if queues else named
        courier = ChainCourier(rpc, errors, ApeSigner(keeper) if signer else None)
        return Keeper(ChainReader(rpc, named, errors), courier, **options)

    return build


def results(cycle):
    return [outcome.result for outcome in cycle.outcomes]


def test_out_of_band_after_a_deposit__once_brings_it_in(make, funded, router, keeper):
    nonce = keeper.nonce
    before = keeper.balance
    cycle = make(funded, router).cycle()
    assert cycle.outcomes[0].result is Result.MENDED
    assert [r.value for r in cycle.before.states[0].readings if r.name == "weight.0"] == [0]
    assert not out_of_band(funded)
    assert not out_of_band(router)
    assert funded.idle() == 50_000 * USDC
    assert router.idle() == 0
    # what the vault placed in the router, the router placed in a venue: at once, or when it was its turn
    sent = [outcome for outcome in cycle.outcomes if outcome.transaction]
    assert keeper.nonce == nonce + len(sent)
    assert sum(outcome.cost for outcome in sent) == before - keeper.balance  # what is reported is what was paid
    assert cycle.after.of(cycle.outcomes[0].contract).readings[0].in_band


def test_in_band__one_batched_call_and_nothing_sent(make, placed, router, keeper, rpc):
    nonce = keeper.nonce
    rpc.provider.methods.clear()
    cycle = make(placed, router).cycle()
    assert results(cycle) == [Result.IN_BAND, Result.IN_BAND]
    assert rpc.provider.methods == ["eth_call"]
    assert keeper.nonce == nonce
    head = rpc.eth.get_block("latest")
    assert cycle.before.block == head["number"] + 1  # as the next block will see it
    assert cycle.before.timestamp >= head["timestamp"]


def test_the_base_fee_read_in_the_batch_is_the_chains(make, funded, set_base_fee, rpc):
    set_base_fee(37)
    assert make(funded).cycle().before.base_fee == rpc.eth.get_block("latest")["baseFeePerGas"] == 37 * GWEI


@pytest.mark.parametrize("how", ["no signer", "dry run"])
def test_dry_run__sends_nothing(make, funded, keeper, how):
    nonce = keeper.nonce
    cycle = make(funded, signer=how != "no signer", dry_run=how == "dry run").cycle()
    (outcome,) = cycle.outcomes
    assert outcome.result is Result.READY
    assert outcome.gas > 200_000
    assert keeper.nonce == nonce
    assert out_of_band(funded) == {"weight.0"}


def test_max_fee__refuses_above_and_lets_pass_below(make, funded, set_base_fee, keeper):
    set_base_fee(50)
    nonce = keeper.nonce
    (outcome,) = make(funded, max_fee=20 * GWEI).cycle().outcomes
    assert outcome.result is Result.TOO_DEAR
    assert "the limit is 20" in outcome.note
    assert keeper.nonce == nonce
    (outcome,) = make(funded, max_fee=60 * GWEI).cycle().outcomes
    assert outcome.result is Result.MENDED


def test_broken_contracts__do_not_stop_the_others(make, funded, router, chain):
    chain.provider.make_request("anvil_setCode", [REVERTS, "0x60006000fd"])
    for address in BURNS_GAS:
        chain.provider.make_request("anvil_setCode", [address, "0xfe"])
    # the gas that each burner leaves to the next would not suffice for the vault
    broken = [Contract(address, address[:6]) for address in (*BURNS_GAS, REVERTS, EMPTY)]
    cycle = make(*broken, Contract(mainnet.USDC, "USDC"), funded, router).cycle()
    assert results(cycle)[:7] == [Result.UNREADABLE] * 6 + [Result.MENDED]
    assert cycle.outcomes[4].note == "no contract at this address"
    assert not out_of_band(funded)


def test_gas_too_dear_for_the_gain__waits_and_says_what_it_would_earn(
    make, placed, router, crowd, set_base_fee, wait, chain, keeper, oracle
):
    """`rebalance` prices its gas by the block's base fee: a simulation without a gas price would see none, and pass."""
    home, other = ("aave", "morpho") if router.home() == AAVE else ("morpho", "aave")
    crowd(**{home: 0.5, other: 0.95})
    for _ in range(3):  # observations are recorded, moves refused
        set_base_fee(10**5)
        wait(WINDOW // 2 + 60)
        router.rebalance(sender=keeper, gas_limit=3_000_000)
    set_base_fee(10**5)
    # observed for just long enough, and the next observation isn't due yet
    chain.pending_timestamp = router.observedAt(2) + WINDOW // 2
    cycle = make(router).cycle()
    (outcome,) = cycle.outcomes
    assert outcome.result is Result.WAITS
    assert outcome.error == "GainTooSmall"
    cost = -(-cycle.before.base_fee * router.rules().gasUnits * oracle.price().priceWad * USDC // 10**36)
    assert f", cost={cost})" in outcome.note


def test_nonces_follow_each_other_while_transactions_are_pending(
    make, funded, router, wait, chain, keeper, rpc, errors
):
    """Mining stops: each contract gets one transaction and no second one, with nonces in a row."""
    wait(WINDOW)  # the router's observation is due
    nonce = keeper.nonce
    chain.provider.make_request("evm_setAutomine", [False])
    try:
        engine = make(funded, router, wait_seconds=0.1)
        assert results(engine.cycle()) == [Result.PENDING, Result.PENDING]
        assert rpc.eth.get_transaction_count(keeper.address, "pending") == nonce + 2
        engine.cycle()
        assert rpc.eth.get_transaction_count(keeper.address, "pending") == nonce + 2
        # another keeper over the same account doesn't know whose they are
        assert ChainCourier(rpc, errors, ApeSigner(keeper)).foreign_pending() == 2
        assert engine.courier.foreign_pending() == 0
        chain.provider.make_request("evm_mine", [])
    finally:
        chain.provider.make_request("evm_setAutomine", [True])
    assert [outcome.result for outcome in engine.cycle().settled] == [Result.MENDED, Result.MENDED]


class LateCourier(ChainCourier):
    """A courier that lets someone else go first, between its simulation and its sending."""

    rival = None

    def send(self, signed):
        self.rival()
        super().send(signed)


def test_a_race_lost_on_chain__is_reported_with_its_cost(funded, chain, keeper, attacker, rpc, errors):
    """Someone else's rebalance lands first in the same block: ours reverts, and costs what it costs."""
    rebalance = {"from": attacker.address, "to": funded.address, "data": REBALANCE, "gas": 2_000_000}
    chain.provider.make_request("anvil_impersonateAccount", [attacker.address])
    courier = LateCourier(rpc, errors, ApeSigner(keeper))
    courier.rival = lambda: rpc.eth.send_transaction(
        {**rebalance, "maxFeePerGas": 500 * GWEI, "maxPriorityFeePerGas": 50 * GWEI}
    )
    engine = Keeper(ChainReader(rpc, [Contract(funded.address, "vault")], errors), courier, wait_seconds=0)
    chain.provider.make_request("evm_setAutomine", [False])
    try:
        assert results(engine.cycle()) == [Result.PENDING]
        chain.provider.make_request("evm_mine", [])
    finally:
        chain.provider.make_request("evm_setAutomine", [True])
    before = keeper.balance
    cycle = engine.cycle()
    (lost,) = cycle.settled
    assert lost.result is Result.REVERTED
    assert lost.cost > 0
    assert keeper.balance == before
    assert cycle.broken
    assert results(cycle) == [Result.IN_BAND]


def test_a_poor_account__sends_nothing(make, funded, accounts, rpc, errors):
    poor = accounts.generate_test_account()
    poor.balance = 10**12
    reader = ChainReader(rpc, [Contract(funded.address, "vault")], errors)
    (outcome,) = Keeper(reader, ChainCourier(rpc, errors, ApeSigner(poor))).cycle().outcomes
    assert outcome.result is Result.UNPAID
    assert poor.nonce == 0


def test_node_out_of_reach__is_one_line_without_the_key_in_its_url(errors):
    away = Web3(HTTPProvider("http://127.0.0.1:9/v3/secret-key", exception_retry_configuration=None))
    with pytest.raises(NodeError) as caught:
        ChainReader(away, [], errors).read()
    assert "127.0.0.1:9" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


# Queues of redemptions


@pytest.fixture
def request_(project, vault, depositor):
    """Ask for so many shares of the depositor's."""

    def ask(shares):
        queue = project.Redemptions.at(vault.redemptions())
        vault.approve(queue, shares, sender=depositor)
        queue.requestRedeem(shares, depositor, depositor, sender=depositor)
        return queue

    return ask


def test_queues__are_found_by_asking_the_contracts(vault, router, rpc, chain):
    chain.provider.make_request("anvil_setCode", [BURNS_GAS[0], "0xfe"])
    others = [Contract(address, address[:6]) for address in (BURNS_GAS[0], EMPTY, mainnet.USDC, router.address)]
    found = targets.with_queues(rpc, [*others, Contract(vault.address, "vault")])
    queue = Contract(vault.redemptions(), "vault queue", Job.FULFIL)
    assert found == [*others, queue, Contract(vault.address, "vault")]


def test_queue__is_served_and_the_vault_brought_back_in_one_cycle(make, placed, router, request_, depositor, keeper):
    queue = request_(400_000 * SHARE)
    cycle = make(placed, router, queues=True).cycle()
    assert results(cycle)[:2] == [Result.MENDED, Result.MENDED]
    assert queue.waiting() == 0
    assert abs(queue.maxWithdraw(depositor) - 400_000 * USDC) <= 2
    assert not out_of_band(placed)
    assert cycle.before.states[0].readings[0].value == 400_000 * SHARE
    # in band: nothing is sent
    nonce = keeper.nonce
    assert results(make(placed, queues=True).cycle()) == [Result.IN_BAND, Result.IN_BAND]
    assert keeper.nonce == nonce


def test_queue__without_liquidity_waits_quietly_and_says_why(make, placed, router, request_, crowd, keeper):
    crowd(aave=1, morpho=1)
    queue = request_(400_000 * SHARE)
    first = make(placed, queues=True).cycle().outcomes[0]  # what is idle, and the markets' last coins
    assert first.transaction
    left = queue.waiting()
    assert left > 0
    nonce = keeper.nonce
    cycle = make(placed, queues=True).cycle()
    outcome = cycle.outcomes[0]
    assert outcome.result is Result.WAITS
    assert outcome.error == "NothingFreed"
    assert f"waiting={left}" in outcome.note
    assert queue.waiting() == left
    assert keeper.nonce == nonce


def test_queue__is_served_in_part_around_a_strategy_that_lies(
    make, project, placed, router, request_, depositor, owner, curator, keeper
):
    strategy = owner.deploy(project.StrategyStandIn, mainnet.USDC)
    placed.addStrategy(strategy, UNLIMITED, 10_000, 0, 100, False, sender=owner)
    placed.setWeight(router, 4_500, 100, sender=curator)
    placed.setWeight(strategy, 5_000, 100, sender=curator)
    placed.rebalance(sender=keeper)
    strategy.setFault(OVERSTATES, sender=keeper)
    queue = request_(900_000 * SHARE)
    outcome = make(placed, queues=True).cycle().outcomes[0]
    assert outcome.transaction
    assert queue.waiting() == 450_000 * SHARE  # half: the others free 500,000
    assert abs(queue.maxWithdraw(depositor) - 450_000 * USDC) <= 3


def test_strategies__of_a_vault_are_kept_though_no_record_names_them(rpc, vault, router, project, owner):
    plain = owner.deploy(project.StrategyStandIn, mainnet.USDC)  # nothing of it is regulated
    vault.addStrategy(plain, UNLIMITED, 0, 0, 100, False, sender=owner)
    it = Contract(vault.address, "vault")
    assert targets.with_strategies(rpc, [it]) == [it, Contract(router.address, router.symbol())]
    both = [it, Contract(router.address, "lending")]
    assert targets.with_strategies(rpc, both) == both
    assert targets.with_strategies(rpc, [Contract(EMPTY, "empty")]) == [Contract(EMPTY, "empty")]
