"""Every refusal of a deployment file names the file, the line and the reason, one line each."""

from pathlib import Path

import pytest

from ballast import deployment, units
from ballast.deployment import DeploymentFileError
from ballast.deployment.file import UNLIMITED
from tests.custody_kit import with_standing

EXAMPLE = Path(__file__).resolve().parents[2] / "deployments" / "mainnet.yaml"
TEXT = EXAMPLE.read_text()
ALPHA, BETA = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
GUARD = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
TIMELOCK = TEXT[TEXT.index("timelock:") : TEXT.index("\nasset:")]
ZERO = "0x" + 40 * "0"


def refusals(tmp_path, text):
    path = tmp_path / "vault.yaml"
    path.write_text(text)
    with pytest.raises(DeploymentFileError) as caught:
        deployment.load(path)
    assert all("\n" not in reason for reason in caught.value.reasons)
    return [reason.removeprefix(f"{path}:") for reason in caught.value.reasons]


def replaced(old, new, text=TEXT):
    """Return the text with one place changed, and the number of the changed line's first line."""
    assert text.count(old) >= 1, f"{old!r} is not in the example"
    return text.replace(old, new, 1), text[: text.index(old)].count("\n") + 1


def test_load__reads_the_example_into_exact_integers():
    file = deployment.load(EXAMPLE)
    assert file.chain == 1
    assert file.safe.threshold == 2
    assert file.timelock.delay == 2 * 86400
    assert file.vault.performance_fee == 1000
    assert file.vault.deposit_limit == 50_000_000 * 10**6
    assert file.oracle.base_max_age == 90 * 60
    assert (file.vault.loss_budget, file.vault.loss_window, file.vault.gate) == (10, 86400, None)
    assert file.timelock.delay_of("setFees(uint256,uint256,address)") == 5 * 86400
    assert file.timelock.delay_of("setCap(address,uint256,uint256)") == 2 * 86400
    assert [(risk.id, risk.cap_share) for risk in file.risks] == [
        ("aave-v3", 9800),
        ("morpho-blue", 9800),
        ("usdc", 10_000),
    ]
    [strategy] = file.strategies
    assert (strategy.cap_share, strategy.volatile) == (9800, False)
    assert strategy.risks == ["aave-v3", "morpho-blue", "usdc"]
    assert (strategy.weight, strategy.band) == (9500, 300)
    assert strategy.rules.margin == 5 * 10**15
    assert [venue.kind for venue in strategy.venues] == ["aave_v3", "morpho_blue"]
    assert file.shown(file.vault.deposit_limit) == "50_000_000 USDC"


def test_load__unlimited_is_the_largest_amount_the_contracts_know(tmp_path):
    path = tmp_path / "vault.yaml"
    path.write_text(replaced("50_000_000 USDC", "unlimited")[0])
    assert deployment.load(path).vault.deposit_limit == UNLIMITED == 2**128 - 1


def test_load__takes_addresses_without_quotes(tmp_path):
    path = tmp_path / "vault.yaml"
    path.write_text(TEXT.replace('"', ""))
    assert deployment.load(path).safe.owners[0] == ALPHA


def test_load__takes_strategies_that_stand_already(tmp_path):
    path = tmp_path / "vault.yaml"
    path.write_text(TEXT.replace(*with_standing(ALPHA)))
    file = deployment.load(path)
    assert [each.name for each in file.strategies] == ["lending", "standing"]
    assert list(file.standing) == [(1, file.strategies[1])]
    assert [index for index, _ in file.routers] == [0]
    assert file.strategies[1].address == ALPHA


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            with_standing(ALPHA)[1].replace("    address:", "    addres:"),
            ["addres: is no known key", "address: is missing"],
        ),
        (with_standing(ZERO)[1], ["address: is the zero address"]),
        (
            with_standing(ALPHA)[1].replace("erc4626", "erc20"),
            ["kind: 'erc20' is no known kind: 'lending_router', 'erc4626'"],
        ),
        (
            with_standing(ALPHA)[1].replace("weight: 2 %", "weight: 6 %").replace("cap_share: 2", "cap_share: 6"),
            ["weight: "],
        ),
    ],
)
def test_load__refuses_a_standing_strategy_that_is_none(tmp_path, text, said):
    found = refusals(tmp_path, TEXT.replace(with_standing(ALPHA)[0], text))
    assert len(found) == len(said)
    for each in said:
        assert any(f"strategies[1].{each}" in reason for reason in found), found


def test_load__refuses_one_contract_in_two_places(tmp_path):
    text = TEXT.replace(*with_standing(ALPHA))
    again = with_standing(ALPHA)[1].replace("name: standing", "name: again").replace("weight: 2 %", "weight: 3 %")
    again = again.replace("cap_share: 2", "cap_share: 3")
    [found] = refusals(tmp_path, text.replace(with_standing(ALPHA)[0], again))
    assert "strategies[2].address: is the same contract as standing" in found


# what is written instead of what, the place that is named, the reason
ONE_VALUE = {
    "unknown key": ("  threshold: 2", "  threshold: 2\n  treshold: 2", "safe.treshold", "is no known key", 1),
    "unknown key at the top": ("chain: 1", "chain: 1\nchian: 1", "chian", "is no known key", 1),
    "no mapping": (TIMELOCK, "timelock: 2 days\n", "timelock", "should be a mapping of keys to values"),
    "delays of no functions": (
        TIMELOCK,
        "timelock:\n  delay: 2 days\n  delays: 7 days\n",
        "timelock.delays",
        "should be a mapping of keys to values",
        2,
    ),
    "delay of no function": (
        "    setOracle(address): 7 days",
        "    setOracle: 7 days",
        "timelock.delays.setOracle",
        "'setOracle' is no function: write its name and types, as in setOwner(address)",
    ),
    "delay of a function under the least": (
        "setOracle(address): 7 days",
        "setOracle(address): 1 hour",
        "timelock.delays.setOracle(address)",
        "1 hour is under the least allowed, 1 day",
    ),
    "delay of a function under the delay of all": (
        "setOracle(address): 7 days",
        "setOracle(address): 1 day",
        "timelock.delays.setOracle(address)",
        "1 day is under the delay of all, 2 days",
    ),
    "an owner sooner than another function": (
        "  delays: # of functions that wait longer, wherever they are\n    setOwner(address): 7 days",
        "  delays:\n    setOwner(address): 6 days",
        "timelock.delays",
        "setOwner(address) waits 6 days, setDelay(bytes4,uint256) 7 days: a new owner would not wait at all",
    ),
    "loss budget": ("loss_budget: 0.1 %", "loss_budget: 101 %", "vault.loss_budget", "over the most allowed, 100 %"),
    "loss window": (
        "loss_window: 1 day",
        "loss_window: 59 minutes",
        "vault.loss_window",
        "59 minutes is under the least allowed, 1 hour",
    ),
    "gate": ("  # gate: an", f"  gate: {ZERO}\n  # an", "vault.gate", "is the zero address"),
    "risk's id": (
        "- id: morpho-blue",
        f"- id: {17 * 'é'}",
        "risks[1].id",
        "has 34 bytes, and a risk's id 32 at most",
    ),
    "risk twice": (
        "  - id: usdc #",
        "  - id: aave-v3\n    cap: unlimited\n    cap_share: 100 %\n  - id: usdc #",
        "risks[2].id",
        "aave-v3 stands here twice",
    ),
    "risk capped under the weights": (
        "cap_share: 98 %",
        "cap_share: 94 %",
        "risks[0].cap_share",
        "the strategies that bear aave-v3 have a weight of 95 % together: never reached",
    ),
    "risk of no cap": (
        "risks: [aave-v3, morpho-blue, usdc]",
        "risks: [aave-v3, morpho-blue, usdc, dai]",
        "strategies[0].risks[3]",
        "dai has no cap under risks",
    ),
    "risk borne twice": (
        "risks: [aave-v3, morpho-blue, usdc]",
        "risks: [aave-v3, usdc, usdc]",
        "strategies[0].risks[2]",
        "usdc stands here twice",
    ),
    "volatile": ("volatile: no", "volatile: maybe", "strategies[0].volatile", "'maybe' is neither yes nor no"),
    "weight over the cap": (
        "cap_share: 98 % # of",
        "cap_share: 94 % # of",
        "strategies[0].weight",
        "95 % is over its cap_share: never reached",
        1,
    ),
    "a mapping for a value": (
        "chain: 1",
        "chain: {id: 1}",
        "chain",
        "should be a single value, not a mapping or a list",
    ),
    "empty value": ("chain: 1", "chain:", "chain", "is empty"),
    "no number": ("chain: 1", "chain: one", "chain", "'one' is no whole number"),
    "chain zero": ("chain: 1", "chain: 0", "chain", "0 is under the least allowed, 1"),
    "bad name": ("name: usdc-core", "name: USDC core", "name", "'USDC core' is no name"),
    "threshold zero": ("  threshold: 2", "  threshold: 0", "safe.threshold", "0 is under the least allowed, 1"),
    "threshold over owners": (
        "  threshold: 2",
        "  threshold: 4",
        "safe.threshold",
        "4 signatures of 3 owners: can never act",
    ),
    "guardian threshold": ("  threshold: 1", "  threshold: 3", "guardian.threshold", "3 signatures of 2 owners"),
    "owner twice": (BETA, ALPHA, "safe.owners[1]", f"{ALPHA} is an owner already"),
    "sentinel owner": (BETA, "0x" + 39 * "0" + "1", "safe.owners[1]", "cannot own a Safe"),
    "zero owner": (ALPHA, ZERO, "safe.owners[0]", "is the zero address"),
    "short address": (ALPHA, ALPHA[:-1], "safe.owners[0]", "is no address: 0x and 40 hexadecimal digits"),
    "no checksum": (ALPHA, ALPHA.lower(), "safe.owners[0]", f"has no checksum: write {ALPHA}"),
    "wrong checksum": (ALPHA, ALPHA[:-1] + "7", "safe.owners[0]", "does not match its checksum"),
    "delay too short": (
        "delay: 2 days",
        "delay: 23 hours",
        "timelock.delay",
        "23 hours is under the least allowed, 1 day",
    ),
    "delay too long": (
        "delay: 2 days",
        "delay: 31 days",
        "timelock.delay",
        "31 days is over the most allowed, 30 days",
    ),
    "no unit of time": (
        "delay: 2 days",
        "delay: 172800",
        "timelock.delay",
        "'172800' is no duration: write it as '2 days'",
    ),
    "part of a second": ("delay: 2 days", "delay: 2.000001 days", "timelock.delay", "is no whole number of seconds"),
    "decimals": ("decimals: 6", "decimals: 19", "asset.decimals", "19 is over the most allowed, 18"),
    "twap too short": (
        "twap_period: 30 minutes",
        "twap_period: 1 minute",
        "oracle.twap_period",
        "least allowed, 5 minutes",
    ),
    "deviation": ("max_deviation: 2 %", "max_deviation: 11 %", "oracle.max_deviation", "over the most allowed, 10 %"),
    "sequencer without grace": (
        "max_deviation: 2 %",
        'max_deviation: 2 %\n  sequencer: "0xFdB631F5EE196F0ed6FAa767959853A9F217697D"',
        "oracle.sequencer",
        "goes with sequencer_grace: give both, or neither",
        1,
    ),
    "grace without sequencer": (
        "max_deviation: 2 %",
        "max_deviation: 2 %\n  sequencer_grace: 1 hour",
        "oracle.sequencer_grace",
        "goes with sequencer: give both, or neither",
        1,
    ),
    "grace too long": (
        "max_deviation: 2 %",
        "max_deviation: 2 %\n  sequencer_grace: 25 hours",
        "oracle.sequencer_grace",
        "25 hours is over the most allowed, 1 day",
        1,
    ),
    "quote is not the asset": (
        'quote: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"',
        'quote: "0x6B175474E89094C44Da98b954EedeAC495271d0F"',
        "oracle.quote",
        "the price has to be in USDC",
    ),
    "performance fee": (
        "performance_fee: 10 %",
        "performance_fee: 51 %",
        "vault.performance_fee",
        "over the most allowed, 50 %",
    ),
    "management fee": (
        "management_fee: 0 %",
        "management_fee: 501 bps",
        "vault.management_fee",
        "over the most allowed, 5 %",
    ),
    "fee without unit": ("performance_fee: 10 %", "performance_fee: 10", "vault.performance_fee", "'10' is no share"),
    "fee too fine": (
        "performance_fee: 10 %",
        "performance_fee: 0.001 %",
        "vault.performance_fee",
        "no whole number of hundredths",
    ),
    "fee recipient": (
        "fee_recipient: safe",
        "fee_recipient: treasury",
        "vault.fee_recipient",
        "treasury is no address",
    ),
    "zero fee recipient": (
        "fee_recipient: safe",
        f"fee_recipient: {ZERO}",
        "vault.fee_recipient",
        "is the zero address",
    ),
    "unlock period": (
        "unlock_period: 3 days",
        "unlock_period: 59 minutes",
        "vault.unlock_period",
        "least allowed, 1 hour",
    ),
    "amount without token": ("50_000_000 USDC", "50_000_000", "vault.deposit_limit", "write it as '1_000_000 USDC'"),
    "amount of another token": (
        "50_000_000 USDC",
        "50_000_000 WETH",
        "vault.deposit_limit",
        "in WETH, but the token is USDC",
    ),
    "amount too fine": (
        "50_000_000 USDC",
        "0.0000001 USDC",
        "vault.deposit_limit",
        "is no whole number of units of 1e-6 USDC",
    ),
    "strategy kind": (
        "kind: lending_router",
        "kind: hodl",
        "strategies[0].kind",
        "'hodl' is no known kind: 'lending_router', 'erc4626'",
    ),
    "strategy name is taken": (
        "- name: lending",
        "- name: vault",
        "strategies[0].name",
        "vault is a name of the deployment's own",
    ),
    "weight": ("weight: 95 %", "weight: 101 %", "strategies[0].weight", "over the most allowed, 100 %"),
    "no band": ("band: 3 %", "band: 0 %", "strategies[0].band", "under the least allowed, 0.01 %"),
    "band over weight": ("weight: 95 %", "weight: 3 %", "strategies[0].band", "would never be filled", 1),
    "margin": ("margin: 0.5 %", "margin: 0.01 %", "strategies[0].rules.margin", "under the least allowed, 0.05 %"),
    "window": (
        "window: 12 hours",
        "window: 11 hours",
        "strategies[0].rules.window",
        "under the least allowed, 12 hours",
    ),
    "no gas": (
        "gas_units: 900_000",
        "gas_units: 0",
        "strategies[0].rules.gas_units",
        "0 is under the least allowed, 1",
    ),
    "venue kind": (
        "kind: morpho_blue",
        "kind: compound",
        "strategies[0].venues[1].kind",
        "'compound' is no known kind",
    ),
    "venue key": ("        morpho: ", "        morphoo: ", "strategies[0].venues[1].morphoo", "is no known key"),
    "venue name twice": ("- name: morpho", "- name: aave", "strategies[0].venues[1].name", "aave stands here twice"),
    "market id": ("7d1d65e129c5fff0990ff758", "7d1d", "strategies[0].venues[1].market", "is no 32-byte id"),
}


@pytest.mark.parametrize("case", ONE_VALUE.values(), ids=ONE_VALUE.keys())
def test_load__refuses(tmp_path, case):
    old, new, place, reason, *below = case
    text, line = replaced(old, new)
    found = refusals(tmp_path, text)
    [matching] = [item for item in found if item.startswith(f"{line + (below[0] if below else 0)}: {place}: ")]
    assert reason in matching
    # a misspelt key is missing too; nothing else is wrong
    assert [item for item in found if item != matching and "is missing" not in item] == []


def test_load__names_every_missing_key(tmp_path):
    text, line = replaced("  threshold: 2\n", "")
    assert refusals(tmp_path, text) == [f"{line - 5}: safe.threshold: is missing"]
    text, _ = replaced(TIMELOCK, "")
    assert refusals(tmp_path, text) == ["1: timelock: is missing"]
    text, line = replaced("        kind: morpho_blue\n", "")
    assert refusals(tmp_path, text) == [f"{line - 1}: strategies[0].venues[1]: has no kind"]


def test_load__names_all_that_is_wrong_in_the_order_of_the_file(tmp_path):
    text, first = replaced("delay: 2 days", "delay: 2 hours")
    text, second = replaced("performance_fee: 10 %", "performance_fee: 60 %", text)
    text, third = replaced("kind: morpho_blue", "kind: compound", text)
    assert [int(reason.split(":")[0]) for reason in refusals(tmp_path, text)] == [first, second, third]


def test_load__empty_lists_are_refused(tmp_path):
    head, _, _ = TEXT.partition("strategies:\n")
    line = head.count("\n") + 1
    assert refusals(tmp_path, head + "strategies: []\n") == [f"{line}: strategies: holds 0, but should hold at least 1"]
    assert refusals(tmp_path, head + "strategies: lending\n") == [f"{line}: strategies: should be a list"]


def test_load__weights_over_all_name_the_one_that_is_too_much(tmp_path):
    strategy = TEXT[TEXT.index("  - name: lending") :]
    second = strategy.replace("name: lending", "name: second").replace("weight: 95 %", "weight: 6 %")
    second = second.replace("risks: [aave-v3, morpho-blue, usdc] #", "#")
    [reason] = refusals(tmp_path, TEXT + second)
    line = (TEXT + second[: second.index("weight")]).count("\n") + 1
    assert reason == f"{line}: strategies[1].weight: the weights up to here are 101 % together, over 100 %"


def test_load__the_same_market_twice_is_refused(tmp_path):
    venue = TEXT[TEXT.index("      - name: morpho") :].replace("name: morpho", "name: again")
    [reason] = refusals(tmp_path, TEXT + venue)
    assert reason.endswith("strategies[0].venues[2]: is the same market as morpho")


@pytest.mark.parametrize(("threshold", "refused"), [(1, False), (2, True)])
def test_load__the_guardian_must_be_able_to_cancel_without_the_safes_owners(tmp_path, threshold, refused):
    text, _ = replaced(GUARD, ALPHA)
    text = text.replace("  threshold: 1", f"  threshold: {threshold}")
    path = tmp_path / "vault.yaml"
    path.write_text(text)
    if not refused:
        assert deployment.load(path).guardian.threshold == threshold
        return
    [reason] = refusals(tmp_path, text)
    assert "guardian.owners: only 1 of them do not own the Safe, and 2 must sign" in reason


def test_load__a_key_twice_is_refused(tmp_path):
    text, line = replaced("chain: 1", "chain: 1\nchain: 1")
    assert refusals(tmp_path, text) == [f"{line + 1}: chain stands here twice"]


def test_load__what_is_no_yaml_is_refused_with_its_line(tmp_path):
    assert refusals(tmp_path, "name: [core")[0].startswith("1: no YAML: ")
    assert refusals(tmp_path, "name: core\nchain: 1: 2\n")[0].startswith("2: no YAML: ")
    assert refusals(tmp_path, "- a list\n") == ["1: should be a mapping of keys to values"]
    assert refusals(tmp_path, "") == ["1: should be a mapping of keys to values"]


def test_load__a_missing_file_is_one_line(tmp_path):
    with pytest.raises(DeploymentFileError, match=r"nowhere\.yaml: no such file$"):
        deployment.load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("seconds", [1, 60, 90, 3600, 86400, 172800])
def test_units__durations_are_read_back_as_they_are_written(seconds):
    assert units.parse_duration(units.format_duration(seconds)) == seconds


@pytest.mark.parametrize("bps", [1, 10, 100, 250, 9999, 10000])
def test_units__shares_are_read_back_as_they_are_written(bps):
    assert units.parse_bps(units.format_bps(bps)) == bps


@pytest.mark.parametrize("amount", [0, 1, 10**6, 123_456_789_012, 2**127])
@pytest.mark.parametrize("decimals", [0, 6, 18])
def test_units__amounts_are_exact_and_read_back_as_they_are_written(amount, decimals):
    text = units.format_amount(amount, symbol="T", decimals=decimals)
    assert units.parse_amount(text, symbol="T", decimals=decimals) == amount
