"""Deployments on the fork: files made from the example, senders, an interruption after any transaction."""

from pathlib import Path

import pytest

from ballast import deployment
from ballast.deployment import UnlockedSender
from ballast.deployment.node import Node

EXAMPLE = Path(__file__).resolve().parents[1] / "deployments" / "mainnet.yaml"
#: of the test accounts: 0 to 2 own the Safe, 3 and 4 the guardian, 9 deploys
DEPLOYER, KEEPER, DEPOSITOR = 9, 7, 8


#: a strategy that stands already, at the end of the example's list
SPACE = "  # A strategy that stands already"
STANDING = """  - name: standing
    kind: erc4626
    address: "{}"
    cap: 1_000_000 USDC
    cap_share: 2 %
    weight: 2 %
    band: 1 %
    volatile: yes
"""


def with_standing(address):
    """A replacement that lists a strategy which stands already."""
    return SPACE, STANDING.format(address) + SPACE


class Interrupted(Exception):
    """The run ends here, as if the machine had stopped."""


class Interrupting:
    """Sends as another sender does, and stops after a number of transactions, before anyone learns of the last."""

    def __init__(self, sender, after):
        self.address = sender.address
        self._sender = sender
        self._left = after

    def send(self, web3, transaction):
        sent = self._sender.send(web3, transaction)
        self._left -= 1
        if self._left == 0:
            raise Interrupted
        return sent


@pytest.fixture(scope="module")
def web3(chain):
    # blocks follow each other in time, as they do on a chain, however fast the test runs
    chain.provider.web3.provider.make_request("anvil_setBlockTimestampInterval", [1])
    return chain.provider.web3


@pytest.fixture(scope="module")
def node(web3):
    return Node(web3)


@pytest.fixture(scope="session")
def deployer(accounts):
    return UnlockedSender(str(accounts[DEPLOYER].address))


@pytest.fixture(scope="session")
def stranger(accounts):
    """Anyone: a keeper, a passer-by."""
    return UnlockedSender(str(accounts[KEEPER].address))


@pytest.fixture(scope="session")
def safe_owners(accounts):
    return [accounts[index] for index in (0, 1, 2)]


@pytest.fixture(scope="session")
def guardian_owners(accounts):
    return [accounts[index] for index in (3, 4)]


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """Write the example under another name, with some text replaced; return its path."""
    folder = tmp_path_factory.mktemp("deployments")

    def write(name, *replacements):
        text = EXAMPLE.read_text()
        for old, new in [("name: usdc-core", f"name: {name}"), *replacements]:
            assert text.count(old) >= 1, f"{old!r} is not in the example"
            text = text.replace(old, new, 1)
        path = folder / f"{name}.yaml"
        path.write_text(text)
        return path

    return write


@pytest.fixture(scope="module")
def load(write):
    return lambda name, *replacements: deployment.load(write(name, *replacements))


@pytest.fixture
def impersonate(web3):
    """Send a call from any address; used to show that the proof sees what such a call does."""

    def send(sender, to, data):
        web3.provider.make_request("anvil_impersonateAccount", [sender])
        web3.provider.make_request("anvil_setBalance", [sender, hex(10**20)])
        sent = web3.eth.send_transaction({"from": sender, "to": to, "data": data})
        assert web3.eth.wait_for_transaction_receipt(sent)["status"] == 1

    return send
