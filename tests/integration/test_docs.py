"""What the pages tell people to type, run on a fork."""

import json
import re

import pytest

from ballast import deployment
from ballast.environment import ROOT
from tests.custody_kit import *

PAGE = ROOT / "docs" / "depositor.md"


@pytest.mark.replica_only("on a real chain the test account may hold USDC already")
def test_the_depositors_example__deposits_leaves_and_queues(load, web3, deployer, tmp_path, capsys):
    record = tmp_path / "usdc-core.json"
    deployment.deploy(load("usdc-core"), web3, deployer, record=record)
    [text] = re.findall(r"<<'PYTHON'\n(.*?)\nPYTHON\n", PAGE.read_text(), re.DOTALL)
    places = {
        "http://127.0.0.1:18545": web3.provider.endpoint_uri,
        "build/deployments/1/usdc-core.json": str(record),
        ".build/__local__.json": str(ROOT / ".build" / "__local__.json"),
    }
    for there, here in places.items():
        assert there in text
        text = text.replace(json.dumps(there), json.dumps(here))
    exec(compile(text, PAGE.name, "exec"), {})
    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert said == [
        ["shares", "10000.0"],
        ["worth", "10000.0", "USDC"],
        ["back", "5000.0", "USDC"],
        ["waits", "5000.0", "shares"],
        ["claim", "5000.0", "USDC"],
        ["back", "10000.0", "USDC"],
    ]
