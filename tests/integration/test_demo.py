"""The demo over a few days: what it reports is what the chain says, and it says the same each time."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ballast import compiled, deployment
from ballast.chain import read_all, unpack, view
from ballast.demo import DemoError, actors, chain, commands, simulation
from ballast.deployment.node import Node
from ballast.environment import ROOT
from ballast.mainnet import USDC
from ballast.market import MarketError

pytestmark = pytest.mark.replica_only("the demo's borrowers and price oracles are seeded there")

DAYS, SEED = 3, 7
COMMAND = [str(Path(sys.executable).with_name("ape")), "run", "demo"]


class Silent:
    """Looks on and counts."""

    def __init__(self):
        self.said, self.seen = [], 0

    def say(self, text):
        self.said.append(text)

    def see(self, story):
        self.seen += 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def played(folder):
    """A demo whose chain still runs: (web3, story)."""
    compiled.ensure()
    with chain.own_chain() as own:
        story = simulation.run(own, deployment.load(commands.FILE), Silent(), days=DAYS, seed=SEED)
        commands.write_report(story, folder)
        yield own.web3, story


@pytest.fixture(scope="module")
def figures(played, folder):
    return json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="module")
def page(played, folder):
    return (folder / "report.html").read_text()


def ask(web3, target, signature, *arguments, kind="uint256"):
    return unpack(read_all(web3, [view(target, signature, *arguments)])[0], kind)


def lending(web3, story):
    abi = Node(web3).artifacts.abi("LendingRouter")
    return web3.eth.contract(story.addresses["lending"], abi=abi, decode_tuples=True)


def test_everything_it_should_show__is_shown(figures):
    assert figures["ok"], [check for check in figures["checks"] if not check["ok"]]
    assert len(figures["checks"]) == 8


def test_share_price__is_the_vaults(played, figures):
    web3, _ = played
    vault = figures["deployment"]["addresses"]["vault"]
    assets = ask(web3, vault, "convertToAssets(uint256)", 10**24)
    assert int(figures["share_price_wad"]["last"]) == assets
    last = figures["samples"][-1]
    assert last["total_assets"] == ask(web3, vault, "totalAssets()")
    assert last["idle"] == ask(web3, vault, "idle()")
    held = sum(venue["assets"] for venue in last["venues"].values())
    lending = figures["deployment"]["addresses"]["lending"]
    assert held + last["strategy_idle"] == ask(web3, lending, "totalAssets()")


def test_gain_of_the_one_who_left__is_in_their_wallet(played, figures):
    web3, _ = played
    left, stays = figures["depositors"]
    vault = figures["deployment"]["addresses"]["vault"]
    balance = ask(web3, USDC, "balanceOf(address)", left["address"])
    assert balance == left["received"]
    assert left["gain"] == balance - simulation.FIRST_DEPOSIT * 10**6 > 0
    assert ask(web3, vault, "balanceOf(address)", left["address"]) == 0

    shares = ask(web3, vault, "balanceOf(address)", stays["address"])
    worth = ask(web3, vault, "convertToAssets(uint256)", shares)
    assert (stays["worth"], stays["gain"]) == (worth, worth - simulation.SECOND_DEPOSIT * 10**6)


def test_gas_of_the_keeper__is_what_its_account_paid(played, figures):
    web3, _ = played
    keeper = actors.account("keeper").address
    sent = [action for action in figures["actions"] if action["transaction"]]
    receipts = [web3.eth.get_transaction_receipt(action["transaction"]) for action in sent]
    assert all(receipt["from"] == keeper and receipt["status"] == 1 for receipt in receipts)
    assert sum(receipt["gasUsed"] for receipt in receipts) == figures["keeper"]["gas"]
    paid = sum(receipt["gasUsed"] * receipt["effectiveGasPrice"] for receipt in receipts)
    assert paid == int(figures["keeper"]["cost_wei"]) == 100 * 10**18 - web3.eth.get_balance(keeper)
    assert web3.eth.get_transaction_count(keeper) == figures["keeper"]["transactions"] > 0


def test_moves__are_the_routers_events(played, figures):
    web3, story = played
    logs = lending(web3, story).events.Moved().get_logs(from_block=story.started_block)
    moved = [(log.args["assets"], log.args["gain"], log.args["cost"]) for log in logs]
    assert moved == [
        (move["assets"], move["gain"], move["cost"]) for action in figures["actions"] for move in action["moves"]
    ]
    assert moved


def test_custody__cap_changed_after_the_delay_and_the_theft_was_cancelled(played, figures):
    web3, story = played
    cap = figures["cap"]
    venues = lending(web3, story).functions.venues().call()
    assert venues[0].cap == cap["after"] == cap["wanted"] > cap["before"]
    assert cap["waited_seconds"] >= cap["delay_seconds"] == 2 * 86400
    vault = figures["deployment"]["addresses"]["vault"]
    assert ask(web3, vault, "performanceFeeBps()", kind="uint16") == figures["cancelled"]["fee_before"] == 1000
    assert figures["cancelled"]["state"] == "unset"


def test_weights__add_up(played):
    _, story = played
    for sample in story.samples:
        assert sum(sample.weights().values()) == pytest.approx(1)
    assert {sample.verdict for sample in story.samples} == {"good"}


class Outside(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        names = {"src", "href", "srcset", "data", "action", "poster"}
        self.found += [f"{tag} {name}={value}" for name, value in attrs if name in names]
        if tag in ("link", "iframe", "object", "embed", "base"):
            self.found.append(tag)


def test_page__fetches_nothing_and_has_every_figure(page, figures):
    parser = Outside()
    parser.feed(page)
    assert parser.found == []
    assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttpRequest", page)
    assert page.count('<figure class="chart"') == 4
    assert f"{int(figures['share_price_wad']['last']) / 10**18:.6f}" in page
    for who in figures["depositors"]:
        assert f"{who['gain'] / 10**6:,.2f} USDC" in page
    for move in (move for action in figures["actions"] for move in action["moves"]):
        assert f"moves {move['assets'] / 10**6:,.0f} USDC" in page


def test_command__gives_the_same_figures_for_the_same_seed(played, folder, figures, tmp_path):
    options = ["--json", "--days", str(DAYS), "--seed", str(SEED), "--out", str(tmp_path)]
    ran = subprocess.run([*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert summary.pop("report") == {key: str(tmp_path / f"report.{key}") for key in ("html", "json")}
    assert summary == {key: figures[key] for key in summary}
    assert (tmp_path / "report.json").read_text() == (folder / "report.json").read_text()
    assert (tmp_path / "report.html").read_text() == (folder / "report.html").read_text()
    assert [line.split()[1] for line in ran.stderr.splitlines() if line.startswith("day ")] == ["0", "1", "2", "3"]


def test_command__that_does_not_show_what_it_should__says_so_by_its_exit_code(played, monkeypatch, tmp_path):
    _, story = played
    monkeypatch.setattr(commands, "play", lambda *_, **__: story)
    monkeypatch.setitem(story.fees, "worth", 0)
    with pytest.raises(SystemExit) as ended:
        commands.run(days=DAYS, seed=SEED, folder=tmp_path, as_json=False)
    assert ended.value.code == commands.NOT_SHOWN == 3


def test_without_the_crowd__the_rest_is_shown_and_the_reason_given(played, monkeypatch):
    def refuse(web3):
        raise MarketError("none here")

    monkeypatch.setattr(chain, "require_crowd", refuse)
    with chain.own_chain() as own:
        assert not own.has_crowd
        story = simulation.run(own, deployment.load(commands.FILE), Silent(), days=DAYS, seed=SEED)
    assert "seeded crowd" in story.no_crowd
    assert all(check.ok for check in story.checks()), story.checks()
    # nobody pushes rounds: the oracle says so
    assert story.samples[-1].verdict == "stale"


def test_node_that_cannot_be_forked__is_refused_without_its_url(monkeypatch):
    monkeypatch.setattr(chain, "UPSTREAM_IS_REAL", True)
    monkeypatch.setattr(chain, "UPSTREAM_URI", "http://127.0.0.1:9/secret")
    with pytest.raises(DemoError, match="MAINNET_RPC_URL cannot be forked") as refused, chain.own_chain():
        pass
    assert "secret" not in str(refused.value)


def test_folder_that_cannot_be_written__is_refused_before_the_days(tmp_path):
    (tmp_path / "file").write_text("")
    watcher = Silent()
    with pytest.raises(DemoError, match=r"cannot be written.*--out"):
        commands.play(watcher, days=DAYS, seed=SEED, folder=tmp_path / "file" / "demo")
    assert not watcher.said


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="children are found through /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end__takes_its_chain_along(number, tmp_path):
    running = subprocess.Popen(
        [*COMMAND, "--out", str(tmp_path)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        anvil = _wait_for(lambda: next(iter(_children(running.pid, "anvil")), None), seconds=30)
        running.send_signal(number)
        assert running.wait(timeout=15) == 128 + number
        _wait_for(lambda: not Path(f"/proc/{anvil}").exists(), seconds=5)
    finally:
        running.kill()
    assert not (tmp_path / "report.html").exists()


def _children(parent, name):
    for entry in os.listdir("/proc"):
        try:
            fields = Path(f"/proc/{entry}/stat").read_text() if entry.isdigit() else ""
        except OSError:
            continue  # it ended meanwhile
        found = re.match(r"(\d+) \((.*)\) \S (\d+)", fields)
        if found and found[2] == name and int(found[3]) == parent:
            yield int(found[1])


def _wait_for(condition, *, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")
