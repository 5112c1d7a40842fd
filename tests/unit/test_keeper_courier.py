"""The courier against a node that only answers: fees, nonces, refusals, what became of a transaction."""

import pytest
from eth_account import Account
from eth_utils import function_signature_to_4byte_selector
from web3 import Web3
from web3.providers.base import BaseProvider

from ballast.chain import NodeError
from ballast.keeper import ChainCourier, Contract, ErrorBook, Fate, Job, Refused

GWEI = 10**9
VAULT = Contract("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "vault")
KEY = "0x" + "11" * 32


class Node(BaseProvider):
    """A node whose state the test writes."""

    def __init__(self):
        super().__init__()
        self.mined, self.pending = 7, 7
        self.balance = 10**18
        self.refusal = None
        self.receipts, self.known = {}, set()
        self.calls = []
        self.revert = None

    def make_request(self, method, params):
        self.calls.append((method, params))
        handler = getattr(self, method, None)
        if handler is None:
            raise AssertionError(f"unexpected {method}")
        result = handler(*params)
        return result if isinstance(result, dict) and "error" in result else {"result": result}

    def eth_chainId(self):
        return "0x1"

    def eth_maxPriorityFeePerGas(self):
        return hex(GWEI)

    def eth_getTransactionCount(self, account, block):
        return hex(self.mined if block == "latest" else self.pending)

    def eth_getBalance(self, account, block):
        return hex(self.balance)

    def eth_call(self, *params):
        return {"error": self.revert} if self.revert else "0x"

    def eth_estimateGas(self, *params):
        return hex(200_000)

    def eth_sendRawTransaction(self, raw):
        if isinstance(self.refusal, Exception):
            raise self.refusal
        if self.refusal:
            return {"error": {"code": -32000, "message": self.refusal}}
        return "0x" + "00" * 32

    def eth_getTransactionReceipt(self, transaction):
        return self.receipts.get(transaction)

    def eth_getTransactionByHash(self, transaction):
        return {"hash": transaction} if transaction in self.known else None


class Signer:
    def __init__(self):
        self.account = Account.from_key(KEY)
        self.address = self.account.address
        self.signed = []

    def sign(self, transaction):
        self.signed.append(dict(transaction))
        return bytes(self.account.sign_transaction(dict(transaction)).raw_transaction)


@pytest.fixture
def fake_node():
    return Node()


@pytest.fixture
def signer():
    return Signer()


@pytest.fixture
def courier(fake_node, signer):
    clock = iter(range(1000))
    return ChainCourier(Web3(fake_node), ErrorBook(), signer, now=lambda: next(clock), sleep=lambda seconds: None)


def receipt(status=1):
    return {"status": hex(status), "gasUsed": hex(150_000), "effectiveGasPrice": hex(12 * GWEI), "blockNumber": "0x10"}


def test_fees__leave_room_for_the_base_fee_and_stay_under_the_limit(courier):
    fees = courier.fees(10 * GWEI, None)
    assert (fees.expected, fees.most) == (11 * GWEI, 21 * GWEI)
    assert courier.fees(10 * GWEI, 15 * GWEI).most == 15 * GWEI


def test_simulation__has_a_gas_price_looks_at_the_next_block_and_needs_no_funds(courier, fake_node, signer):
    fake_node.balance = 0
    assert courier.simulate(VAULT, courier.fees(10 * GWEI, None)).gas == 200_000
    (_, (call, block, overrides)) = next(each for each in fake_node.calls if each[0] == "eth_call")
    assert int(call["maxFeePerGas"], 16) > 10 * GWEI
    assert block == "pending"
    assert signer.address in overrides


@pytest.mark.parametrize(
    ("job", "most", "call", "argument"),
    [
        (Job.REBALANCE, None, "rebalance()", b""),
        (Job.FULFIL, None, "fulfil()", b""),
        (Job.RESCUE, None, "rescue()", b""),
        (Job.FULFIL, 250, "fulfil(uint256)", (250).to_bytes(32)),
    ],
)
def test_the_call__is_simulated_and_signed_alike(courier, fake_node, signer, job, most, call, argument):
    contract, fees = Contract(VAULT.address, "it", job), courier.fees(GWEI, None)
    courier.simulate(contract, fees, most=most)
    courier.sign(contract, 100_000, fees, most=most)
    data = "0x" + (function_signature_to_4byte_selector(call) + argument).hex()
    simulated = [params[0]["data"] for method, params in fake_node.calls if method in ("eth_call", "eth_estimateGas")]
    assert simulated == [data, data]
    assert signer.signed[0]["data"] == data


@pytest.mark.parametrize("data", ["0xcb3b0ddc", "Reverted 0xcb3b0ddc"])
def test_simulation__reads_the_reason_of_a_revert_in_either_dialect(courier, fake_node, data):
    fake_node.revert = {"code": 3, "message": "execution reverted", "data": data}
    assert "0xcb3b0ddc" in str(courier.simulate(VAULT, courier.fees(GWEI, None)).reason)


def test_a_refusal_of_the_node__is_no_revert(courier, fake_node):
    fake_node.revert = {"code": -32005, "message": "rate limit"}
    with pytest.raises(NodeError, match="rate limit"):
        courier.simulate(VAULT, courier.fees(GWEI, None))


def test_nonces__follow_the_nodes_pending_count_and_what_is_on_its_way(courier, fake_node, signer):
    fees = courier.fees(GWEI, None)
    first = courier.sign(VAULT, 100_000, fees)
    courier.send(first)
    second = courier.sign(VAULT, 100_000, fees)  # the node hasn't noticed the first yet
    courier.send(second)
    fake_node.pending = 9
    third = courier.sign(VAULT, 100_000, fees)
    assert [each.nonce for each in (first, second, third)] == [7, 8, 9]
    assert {tx["type"] for tx in signer.signed} == {2}
    assert {tx["chainId"] for tx in signer.signed} == {1}
    assert {tx["gas"] for tx in signer.signed} == {150_000}


def test_nonces__of_a_refused_transaction_are_used_again(courier, fake_node):
    fees = courier.fees(GWEI, None)
    fake_node.refusal = "insufficient funds"
    with pytest.raises(Refused, match="insufficient funds"):
        courier.send(courier.sign(VAULT, 100_000, fees))
    assert courier.sign(VAULT, 100_000, fees).nonce == 7


def test_nonces__of_a_transaction_that_may_have_arrived_are_not(courier, fake_node):
    fees = courier.fees(GWEI, None)
    fake_node.refusal = ConnectionError("gone")
    with pytest.raises(NodeError, match="no answer") as caught:
        courier.send(courier.sign(VAULT, 100_000, fees))
    assert not isinstance(caught.value, Refused)
    assert courier.sign(VAULT, 100_000, fees).nonce == 8


def test_already_known__is_as_good_as_sent(courier, fake_node):
    fake_node.refusal = "already known"
    courier.send(courier.sign(VAULT, 100_000, courier.fees(GWEI, None)))


def test_foreign_pending__counts_what_we_did_not_send(courier, fake_node):
    fake_node.pending = 9
    assert courier.foreign_pending() == 2
    fake_node.pending = 7
    courier.send(courier.sign(VAULT, 100_000, courier.fees(GWEI, None)))
    fake_node.pending = 8
    assert courier.foreign_pending() == 0


def test_shortage__is_measured_at_the_most_that_is_offered(courier, fake_node):
    fees = courier.fees(10 * GWEI, None)
    fake_node.balance = 150_000 * 21 * GWEI
    assert courier.shortage(100_000, fees) == 0
    fake_node.balance -= 5
    assert courier.shortage(100_000, fees) == 5


def test_fate__success_revert_pending_dropped(courier, fake_node):
    fees = courier.fees(GWEI, None)
    signed = courier.sign(VAULT, 100_000, fees)
    courier.send(signed)
    fake_node.known.add(signed.transaction)
    assert courier.fate(signed.transaction, 3).fate is Fate.PENDING
    fake_node.receipts[signed.transaction] = receipt()
    done = courier.fate(signed.transaction, 3)
    assert (done.fate, done.gas, done.price, done.block) == (Fate.SUCCEEDED, 150_000, 12 * GWEI, 16)
    fake_node.receipts[signed.transaction] = receipt(status=0)
    assert courier.fate(signed.transaction, 3).fate is Fate.REVERTED
    fake_node.receipts.clear()
    fake_node.known.clear()
    assert courier.fate(signed.transaction, 3).fate is Fate.DROPPED
    assert courier.sign(VAULT, 100_000, fees).nonce == 7  # its nonce is free again


def test_the_hash__is_the_networks(courier, signer):
    signed = courier.sign(VAULT, 100_000, courier.fees(GWEI, None))
    assert signed.transaction == Web3.keccak(signed.raw).to_0x_hex()
    assert Account.recover_transaction(signed.raw) == signer.address
