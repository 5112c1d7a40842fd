"""What to keep: from the command line, or from recorded deployments."""

import pytest

from ballast.deployment.record import Made, Record
from ballast.errors import ConfigurationError, DeploymentError
from ballast.keeper import Contract, targets

VAULT = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
ROUTER = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"


@pytest.fixture
def folder(tmp_path):
    def write(name, chain_id=1):
        contracts = {
            "vault": Made("Vault", VAULT, ""),
            "lending": Made("LendingRouter", ROUTER, ""),
            "timelock": Made("TimelockController", ROUTER, ""),
        }
        record = Record(name, chain_id, deployer=VAULT, block=1, block_hash="0x" + "00" * 32, contracts=contracts)
        record.save(tmp_path / str(chain_id) / f"{name}.json")

    write.folder = tmp_path
    return write


def test_addresses__are_kept_once_each_and_checksummed():
    found = targets.named([VAULT, VAULT.lower(), ROUTER])
    assert found == [Contract(VAULT, "0xA0b8…eB48"), Contract(ROUTER, "0xC02a…6Cc2")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0x12", "no address"),
        (VAULT[2:], "no address"),
        ("vault", "no address"),
        (VAULT.replace("A0b", "a0b"), "checksum"),
    ],
)
def test_what_is_no_address__is_refused_with_itself(text, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        targets.named([text])
    assert text in str(caught.value)


def test_a_deployment__gives_its_regulated_contracts(folder):
    folder("core")
    records = targets.recorded(1, folders=[folder.folder])
    assert targets.deployed(records) == [Contract(VAULT, "vault"), Contract(ROUTER, "lending")]


def test_several_deployments__are_told_apart(folder):
    folder("core")
    folder("side")
    records = targets.recorded(1, folders=[folder.folder])
    names = [contract.name for contract in targets.deployed(records)]
    assert names == ["core/vault", "core/lending", "side/vault", "side/lending"]
    assert [record.name for record in targets.recorded(1, name="side", folders=[folder.folder])] == ["side"]


def test_no_such_deployment__says_which_there_are(folder):
    folder("core")
    with pytest.raises(ConfigurationError, match=r"named side .*chain 1 \(known: core\)"):
        targets.recorded(1, name="side", folders=[folder.folder])
    with pytest.raises(ConfigurationError, match=r"chain 5 \(known: none\)"):
        targets.recorded(5, folders=[folder.folder])


def test_a_broken_record__is_named(folder):
    folder("core")
    (folder.folder / "1" / "core.json").write_text("{")
    with pytest.raises(DeploymentError, match=r"core\.json"):
        targets.recorded(1, folders=[folder.folder])
