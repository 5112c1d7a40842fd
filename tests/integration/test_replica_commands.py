"""The replica as a process: built the same each time, started fast, found again, stopped, clear about what is wrong."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

import pytest

from ballast import market, replica
from ballast.environment import ROOT
from ballast.errors import ConfigurationError, ReplicaError
from ballast.replica import artifacts, builder, fidelity, manifest, packages, process
from ballast.replica.node import Node, alive, free_port

APE = os.path.join(os.path.dirname(sys.executable), "ape")


@pytest.fixture
def port():
    found = free_port()
    yield found
    process.stop(port=found)


def run(*arguments, port, script="replica"):
    done = subprocess.run(
        [APE, "run", script, *arguments],
        cwd=ROOT,
        env={**os.environ, "BALLAST_REPLICA_PORT": str(port)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def test_start_status_and_stop_can_be_repeated(port):
    replica.build()
    began = time.monotonic()
    started = run("start", "--json", port=port)
    assert time.monotonic() - began < 3
    assert started.returncode == 0
    assert started.stdout.count("\n") == 1
    first = json.loads(started.stdout)
    assert {"rpc": f"http://127.0.0.1:{port}", "chain_id": 1, "started": True, "stale": False}.items() <= first.items()
    assert first["block"] > 100 and alive(first["pid"])

    again = json.loads(run("start", "--json", port=port).stdout)
    assert (again["pid"], again["started"]) == (first["pid"], False)
    state = json.loads(run("status", "--json", port=port).stdout)
    assert (state["running"], state["pid"]) == (True, first["pid"])
    assert market.connect(first["rpc"]).eth.block_number == first["block"]

    stopped = run("stop", "--json", port=port)
    assert (stopped.returncode, json.loads(stopped.stdout)) == (0, {"stopped": True})
    assert not alive(first["pid"])
    stopped = run("stop", "--json", port=port)
    assert (stopped.returncode, json.loads(stopped.stdout)) == (0, {"stopped": False})
    state = run("status", "--json", port=port)
    assert (state.returncode, json.loads(state.stdout)) == (3, {"running": False})


def test_table_for_people_names_rpc_and_block(port):
    said = run("start", port=port).stdout
    assert f"http://127.0.0.1:{port}" in said
    assert str(process.status(port=port).block) in said


def test_replica_goes_on_at_the_saved_time(port):
    started = process.start(port=port)
    w3 = market.connect(started.rpc)
    assert 0 <= market.pass_time(w3, 12) - started.timestamp < 60


def test_port_taken_by_something_else_is_said_in_one_line(port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        done = run("start", port=port)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"error: port {port} is taken by something else: stop it, or set BALLAST_REPLICA_PORT to another port"
    )


def test_run_file_of_a_dead_process_is_not_believed(port):
    builder.FOLDER.mkdir(parents=True, exist_ok=True)
    ended = subprocess.Popen(["true"])
    ended.wait()
    process._run_file(port).write_text(json.dumps({"pid": ended.pid, "port": port, "build": "x"}))
    assert process.status(port=port) is None
    process._run_file(port).write_text(json.dumps({"pid": os.getpid(), "port": port, "build": "x"}))
    assert process.status(port=port) is None
    assert process.stop(port=port) is False


def test_changed_manifest_shows_as_stale(port, monkeypatch):
    process.start(port=port)
    monkeypatch.setattr(artifacts, "standin_sources", lambda: {"changed": "changed"})
    assert process.status(port=port).stale


def test_missing_anvil_is_said_in_one_line(monkeypatch, port):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ReplicaError, match="anvil is not on the PATH: run `python3 tools/setup.py`"):
        Node.launch(port, [])


def test_impossible_port_is_refused():
    with pytest.raises(ConfigurationError, match="70000 is no port"):
        process.start(port=70000)


# --- the crowd's command ---


def test_market_command_moves_markets_prices_and_time(port):
    process.start(port=port)
    after = json.loads(run("utilisation", "morpho", "95%", "--json", port=port, script="market").stdout)
    assert int(after["lending"]["morpho"]["utilisation_wad"]) == pytest.approx(0.95e18, rel=1e-6)
    after = json.loads(run("round", "--eth-usd", "2000.5", "--json", port=port, script="market").stdout)
    assert after["feeds"]["eth_usd"]["answer"] == 200_050_000_000
    began = after["timestamp"]
    after = json.loads(run("pass", "3600", "--json", port=port, script="market").stdout)
    assert after["timestamp"] - began == pytest.approx(3600, abs=60)
    after = json.loads(run("pools", "2000", "--json", port=port, script="market").stdout)
    assert int(after["pools"]["uniswap_v3_500"]) == pytest.approx(2000e18, rel=1e-4)
    assert "95.0" in run("status", port=port, script="market").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["utilisation", "aave", "much"], "error: 'much' is no number"),
        (["pools", "-5"], "No such option"),
        (["pools", "0"], "error: a price is a positive WAD, not 0"),
        (["status", "--rpc", "http://127.0.0.1:1"], "error: nothing answers at http://127.0.0.1:1"),
    ],
)
def test_market_command_says_what_is_wrong_in_one_line(port, arguments, said):
    if arguments[0] == "pools":
        process.start(port=port)
    done = run(*arguments, port=port, script="market")
    assert done.returncode != 0
    assert said in done.stderr


def test_market_command_without_a_replica_says_how_to_start_it(port):
    done = run("status", port=port, script="market")
    assert (done.returncode, done.stderr.strip()) == (
        1,
        "error: the replica isn't running: `ape run replica start`, or name a fork of it with --rpc",
    )


# --- building ---


def test_two_builds_give_the_same_state(monkeypatch, tmp_path):
    first = replica.build()
    monkeypatch.setattr(builder, "FOLDER", tmp_path)
    second = builder.build()
    assert second.state != first.state
    assert second.state.read_bytes() == first.state.read_bytes()
    assert second.load_contracts() == first.load_contracts()


def test_build_that_is_saved_plays_nothing(monkeypatch):
    replica.build()
    monkeypatch.setattr(builder, "Player", None)
    assert replica.build().exists


def test_full_disk_is_said_in_one_line(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(builder, "FOLDER", tmp_path)
    monkeypatch.setattr(builder, "_write", full)
    with pytest.raises(ReplicaError, match="could not be built: No space left on device"):
        builder.build()


def test_wrong_address_in_the_manifest_fails_the_build():
    row = {"name": "WETH", "address": "0x" + "11" * 20}
    with pytest.raises(ReplicaError, match="WETH came to"):
        builder.Player(None, {}, print)._check(row, "0x" + "22" * 20)


def test_wrong_code_hash_in_the_manifest_fails_the_build():
    def rpc(method, *_):
        return "0x6001"

    row = {"name": "Permit2", "published": {"runtime": "0x" + "00" * 32}}
    with pytest.raises(ReplicaError, match="the runtime hash of Permit2 is 0x"):
        builder.Player(rpc, {}, print)._check(row, "0x" + "22" * 20)


def test_fidelity_table_is_current():
    current = fidelity.markdown(fidelity.rows(replica.build()))
    assert fidelity.FILE.read_text() == current, "run `ape run replica fidelity`"


def test_fidelity_table_names_every_stand_in():
    rows = fidelity.rows(replica.build())
    stand_ins = {row["name"] for row in rows if row["stand_in"]}
    assert stand_ins == {"MorphoAdaptiveCurveIrm", "MorphoOracleWethUsdc", "StakedEther"}
    assert len(rows) == len(manifest.load()["contracts"])


def test_fidelity_table_claims_no_address_that_is_ours():
    claimed = {row["name"]: row["mainnet_address"] for row in fidelity.rows(replica.build())}
    assert claimed["StakedEtherUsdFeed"]
    assert not any(claimed[name] for name in ("StakedEther", "UniswapV3PoolStakedWeth100", "AaveAStakedEther"))


# --- packages ---


@pytest.fixture
def small_package(monkeypatch, tmp_path):
    """canonical-weth alone, in a folder of its own."""
    kept = packages.load_lock()["canonical-weth"].archive
    monkeypatch.setattr(packages, "FOLDER", tmp_path / "packages")
    return kept, packages.load_lock()["canonical-weth"]


def test_nothing_is_fetched_when_all_is_there(monkeypatch):
    packages.fetch()
    monkeypatch.setattr(subprocess, "run", None)
    assert packages.fetch() == []


def test_changed_archive_is_refused(small_package):
    kept, package = small_package
    package.archive.parent.mkdir()
    package.archive.write_bytes(kept.read_bytes() + b"x")
    with pytest.raises(ReplicaError, match="sha512 differs"):
        package.read_json("package.json")


def test_package_with_another_hash_is_not_kept(monkeypatch, small_package):
    kept, package = small_package

    def deliver(command, folder):
        (folder / package.file).write_bytes(kept.read_bytes() + b"x")

    monkeypatch.setattr(packages, "_run", deliver)
    with pytest.raises(ReplicaError, match="has another sha512 than packages.lock"):
        packages.fetch({package.name: package})
    assert not package.archive.exists()


def test_registry_out_of_reach_is_said_in_one_line_without_its_address(monkeypatch, small_package):
    _, package = small_package
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1")
    monkeypatch.setenv("npm_config_cache", str(package.archive.parent))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(ReplicaError, match="is the package registry within reach") as caught:
        packages.fetch({package.name: package})
    assert "127.0.0.1" not in str(caught.value) and "\n" not in str(caught.value)


def test_lock_file_pins_every_package_by_hash_and_names_no_registry():
    text = packages.LOCK_FILE.read_text()
    assert "://" not in text
    for package in packages.load_lock().values():
        assert len(package.digest) == {"sha512": 64, "sha256": 32}[package.algorithm]
    used = {row["package"] for row in manifest.load()["contracts"] if "package" in row}
    assert used == set(packages.load_lock())


# --- without a crowd ---


def test_chain_without_a_crowd_is_refused():
    with Node.temporary([]) as node, pytest.raises(market.MarketError, match="no crowd on this chain"):
        market.require_crowd(market.connect(node.rpc.url))


def test_unknown_actor_is_refused_with_the_names_there_are():
    with pytest.raises(ReplicaError, match="the crowd has no 'nobody'.*aave_supplier_1"):
        replica.actor("nobody")
