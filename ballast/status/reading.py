"""Reads the state of regulated contracts: every round of questions is one batched call."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eth_utils import event_signature_to_log_topic, function_signature_to_4byte_selector, to_checksum_address
from eth_utils.abi import collapse_if_tuple
from web3 import Web3

from ballast.chain import NOBODY, View, ask, read_all, short_text, unpack, view
from ballast.keeper.state import Contract, Reading

WAD: Final = 10**18
#: views without arguments, asked of every contract; one that hasn't got a view answers nothing
_COMMON: Final = (
    "asset",
    "symbol",
    "decimals",
    "totalSupply",
    "totalAssets",
    "owner",
    "guardian",
    "paused",
    "readings",
)
_VAULT: Final = (
    "idle",
    "totalDebt",
    "lockedProfit",
    "unlockedAt",
    "queue",
    "risks",
    "lossBudget",
    "gate",
    "limits",
    "redemptions",
    "isShutdown",
    "depositLimit",
    "curator",
    "feeRecipient",
    "performanceFeeBps",
    "managementFeeBps",
    "managementFeeOwed",
    "deficit",
    "lastReport",
    "unlockPeriod",
    "reportPeriod",
    "growthCapBps",
)
_ROUTER: Final = ("idle", "home", "oracle", "rules", "venues", "holdings")
#: A share price is asked for so many shares, so that it comes back with this many more digits than the asset has.
_MORE_DIGITS: Final = 12
_SCHEDULED: Final = "CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)"
_REQUESTED: Final = "RedeemRequest(address,address,uint256,address,uint256)"
_DELAY_SET: Final = "DelaySet(bytes4,uint256)"


class Abi:
    """Encodes and decodes views by a contract's ABI; structs come back as dictionaries."""

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Take an ABI; functions without arguments that change nothing are kept, and those of one address."""
        functions = [entry for entry in entries if entry.get("type") == "function"]
        self._views = {entry["name"]: entry for entry in functions if entry["stateMutability"] in ("view", "pure")}
        #: signature by selector, of what changes state
        self.changing = {
            function_signature_to_4byte_selector(signature): signature
            for entry in functions
            if entry["stateMutability"] not in ("view", "pure")
            for signature in [f"{entry['name']}({','.join(collapse_if_tuple(item) for item in entry['inputs'])})"]
        }

    def view(self, target: str, name: str, *arguments: Any) -> View:
        """Return the call of a view."""
        types = ",".join(collapse_if_tuple(item) for item in self._views[name]["inputs"])
        return view(target, f"{name}({types})", *arguments)

    def value(self, name: str, answer: tuple[bool, bytes]) -> Any:
        """Return what a view answered: one value bare, several by name; None when it did not answer that."""
        outputs = self._views[name]["outputs"]
        values = unpack(answer, *(collapse_if_tuple(item) for item in outputs))
        if values is None:
            return None
        if len(outputs) == 1:
            return _plain(outputs[0], values)
        return {item["name"]: _plain(item, value) for item, value in zip(outputs, values, strict=True)}


def read(
    web3: Web3,
    contracts: Sequence[Contract],
    abis: Mapping[str, Abi],
    names: Mapping[str, str],
    *,
    since: int | None = None,
) -> dict[str, Any]:
    """Return the state of vaults and routers, and of the timelocks that own them.

    Parameters
    ----------
    web3 : any connection
    contracts : vaults and routers; what each of them is, is found out by asking
    abis : those of `Vault`, `LendingRouter` and `Timelock`
    names : address (checksummed) to name, for roles and venues
    since : block from which a timelock's operations and requests to redeem are looked for; None doesn't look

    Returns
    -------
    dict
        JSON-ready: amounts in units of the asset, rates and shares in Wad, times in seconds.
    """
    vaults, routers = _Asked(abis["Vault"], (*_COMMON, *_VAULT)), _Asked(abis["LendingRouter"], (*_COMMON, *_ROUTER))
    first = read_all(web3, [*vaults.views(contracts), *routers.views(contracts)])
    as_vaults, as_routers = vaults.values(contracts, first), routers.values(contracts, first[vaults.count(contracts) :])
    found_vaults = {c: state for c, state in zip(contracts, as_vaults, strict=True) if state["queue"] is not None}
    found_routers = {c: state for c, state in zip(contracts, as_routers, strict=True) if state["holdings"] is not None}
    found = {**found_vaults, **found_routers}
    tokens = _tokens(web3, [state["asset"] for state in found.values()])
    head = web3.eth.get_block("latest")
    functions = {selector: name for abi in abis.values() for selector, name in abi.changing.items()}
    return {
        "block": head["number"],
        "timestamp": head["timestamp"],
        "vaults": [
            _vault(web3, c, state, tokens, abis["Vault"], names, head["timestamp"], since)
            for c, state in found_vaults.items()
        ],
        "routers": [_router(c, state, tokens, names) for c, state in found_routers.items()],
        "timelocks": _timelocks(web3, {state["owner"] for state in found.values()}, names, since, functions),
        "unreadable": [{"name": c.name, "address": c.address} for c in contracts if c not in found],
    }


class _Asked:
    """The same views, asked of every contract."""

    def __init__(self, abi: Abi, views: Sequence[str]) -> None:
        self._abi, self._views = abi, views

    def count(self, contracts: Sequence[Contract]) -> int:
        return len(contracts) * len(self._views)

    def views(self, contracts: Sequence[Contract]) -> list[View]:
        return [self._abi.view(contract.address, name) for contract in contracts for name in self._views]

    def values(self, contracts: Sequence[Contract], answers: Sequence[tuple[bool, bytes]]) -> list[dict[str, Any]]:
        width = len(self._views)
        return [
            {name: self._abi.value(name, answers[row * width + column]) for column, name in enumerate(self._views)}
            for row in range(len(contracts))
        ]


def _tokens(web3: Web3, assets: Sequence[str]) -> dict[str, tuple[str, int]]:
    unique = list(dict.fromkeys(assets))
    answers = read_all(web3, [view(token, call) for token in unique for call in ("symbol()", "decimals()")])
    return {
        token: (unpack(answers[2 * i], "string") or "", unpack(answers[2 * i + 1], "uint8") or 0)
        for i, token in enumerate(unique)
    }


def _base(contract: Contract, state: Mapping[str, Any], tokens: Mapping, names: Mapping[str, str]) -> dict[str, Any]:
    symbol, decimals = tokens[state["asset"]]
    return {
        "name": contract.name,
        "address": contract.address,
        "symbol": state["symbol"],
        "asset": {"address": state["asset"], "symbol": symbol, "decimals": decimals},
        "assets": state["totalAssets"],
        "idle": state["idle"],
        "supply": state["totalSupply"],
        "paused": state["paused"],
        "roles": {
            role: {"address": state[role], "name": names.get(state[role])}
            for role in ("owner", "guardian", "curator")
            if state.get(role)
        },
        "readings": _readings(state["readings"]),
    }


def _vault(
    web3: Web3,
    contract: Contract,
    state: Mapping[str, Any],
    tokens: Mapping,
    abi: Abi,
    names: Mapping[str, str],
    timestamp: int,
    since: int | None,
) -> dict[str, Any]:
    queue = state["queue"]
    shares = 10 ** (state["decimals"] + _MORE_DIGITS)
    # The share price, what waits at the redemptions, and each strategy's place in one more batch.
    answers = read_all(
        web3,
        [
            abi.view(contract.address, "convertToAssets", shares),
            view(state["redemptions"], "waiting()"),
            *(abi.view(contract.address, "strategy", each) for each in queue),
            *(view(each, "totalAssets()") for each in queue),
        ],
    )
    worth = unpack(answers[0], "uint256")
    waiting = unpack(answers[1], "uint256") or 0
    answers = answers[2:]
    base = _base(contract, state, tokens, names)
    total = state["idle"] + state["totalDebt"]
    risks = [short_text(bytes.fromhex(risk["id"][2:])) for risk in state["risks"]]
    places = {address: abi.value("strategy", answers[index]) for index, address in enumerate(queue)}
    return {
        **base,
        "share_price": None if worth is None else worth * WAD // 10 ** (base["asset"]["decimals"] + _MORE_DIGITS),
        "debt": state["totalDebt"],
        "locked_profit": state["lockedProfit"],
        # None when nothing is locked
        "unlocked_at": state["unlockedAt"] if state["lockedProfit"] else None,
        "redemptions": {
            "address": state["redemptions"],
            "shares": waiting,
            "worth": waiting * worth // shares if worth is not None else None,
            "controllers": None if since is None else _requests(web3, state["redemptions"], since),
        },
        "loss_budget": {
            "budget_bps": state["lossBudget"]["budgetBps"],
            "window": state["lossBudget"]["window"],
            "available_wad": state["lossBudget"]["availableWad"],
            "available": total * state["lossBudget"]["availableWad"] // WAD,
        },
        "gate": None if state["gate"] == NOBODY else state["gate"],
        "limits": None if state["limits"] == NOBODY else state["limits"],
        "risks": [
            {
                "id": name,
                "debt": sum(place["debt"] for place in places.values() if place and place["risks"] >> index & 1),
                "cap": risk["cap"],
                "cap_bps": risk["capBps"],
            }
            for index, (name, risk) in enumerate(zip(risks, state["risks"], strict=True))
        ],
        "deposit_limit": state["depositLimit"],
        "shutdown": state["isShutdown"],
        "last_report": state["lastReport"],
        "report_age": timestamp - state["lastReport"],
        "fees": {
            "recipient": state["feeRecipient"],
            "performance_bps": state["performanceFeeBps"],
            "management_bps": state["managementFeeBps"],
            "management_owed": state["managementFeeOwed"],
            "deficit": state["deficit"],
        },
        "pace": {
            "unlock_period": state["unlockPeriod"],
            "report_period": state["reportPeriod"],
            "growth_cap_bps": state["growthCapBps"],
        },
        "strategies": [
            {
                "name": names.get(address),
                "address": address,
                "debt": place["debt"],
                "strategy_assets": unpack(answers[len(queue) + index], "uint256"),
                "weight": place["debt"] * WAD // total if total else 0,
                "target_bps": place["targetBps"],
                "band_bps": place["bandBps"],
                "cap": place["cap"],
                "cap_bps": place["capBps"],
                "volatile": place["isVolatile"],
                "risks": [name for bit, name in enumerate(risks) if place["risks"] >> bit & 1],
            }
            for index, (address, place) in enumerate(places.items())
            if place is not None
        ],
    }


def _requests(web3: Web3, redemptions: str, since: int) -> list[dict[str, Any]]:
    """Return what each controller has waiting and to claim; those with neither left out."""
    topic = "0x" + event_signature_to_log_topic(_REQUESTED).hex()
    logs = ask(web3, "eth_getLogs", {"address": redemptions, "topics": [topic], "fromBlock": hex(since)})
    controllers = list(dict.fromkeys(to_checksum_address("0x" + log["topics"][1][-40:]) for log in logs))
    answers = read_all(
        web3,
        [
            call
            for controller in controllers
            for call in (
                view(redemptions, "pendingRedeemRequest(uint256,address)", 0, controller),
                view(redemptions, "claimableRedeemRequest(uint256,address)", 0, controller),
                view(redemptions, "maxWithdraw(address)", controller),
            )
        ],
    )
    numbers = [unpack(answer, "uint256") for answer in answers]
    rows = [
        # what can be claimed in one call: out of the 64 oldest requests
        dict(zip(("controller", "waiting", "claimable", "assets"), (each, *numbers[3 * i : 3 * i + 3]), strict=True))
        for i, each in enumerate(controllers)
    ]
    return [row for row in rows if row["waiting"] or row["claimable"]]


def _router(contract: Contract, state: Mapping[str, Any], tokens: Mapping, names: Mapping[str, str]) -> dict[str, Any]:
    assets, rates = state["holdings"].values()
    return {
        **_base(contract, state, tokens, names),
        "oracle": state["oracle"],
        "rules": state["rules"],
        "venues": [
            {
                "name": names.get(venue["at"]),
                "address": venue["at"],
                "assets": assets[index],
                "weight": assets[index] * WAD // state["totalAssets"] if state["totalAssets"] else 0,
                "supply_rate": rates[index],
                "cap": venue["cap"],
                "home": index == state["home"],
            }
            for index, venue in enumerate(state["venues"])
        ],
    }


def _timelocks(
    web3: Web3, owners: set[str], names: Mapping[str, str], since: int | None, functions: Mapping[bytes, str]
) -> list[dict[str, Any]]:
    addresses = sorted(owners)
    delays = read_all(web3, [view(address, "getMinDelay()") for address in addresses])
    return [
        {
            "address": address,
            "name": names.get(address),
            "delay": delay,
            "delays": None if since is None else _delays(web3, address, since, delay, functions),
            "pending": None if since is None else _pending(web3, address, since),
        }
        for address, answer in zip(addresses, delays, strict=True)
        if (delay := unpack(answer, "uint256")) is not None
    ]


def _delays(web3: Web3, timelock: str, since: int, least: int, functions: Mapping[bytes, str]) -> dict[str, int]:
    """Return the delays that are longer than the least, by function (or selector, of a function that is not ours)."""
    topic = "0x" + event_signature_to_log_topic(_DELAY_SET).hex()
    logs = ask(web3, "eth_getLogs", {"address": timelock, "topics": [topic], "fromBlock": hex(since)})
    latest = {bytes.fromhex(log["topics"][1][2:10]): int(log["data"], 16) for log in logs}
    return {
        functions.get(selector, "0x" + selector.hex()): delay for selector, delay in latest.items() if delay > least
    }


def _pending(web3: Web3, timelock: str, since: int) -> list[dict[str, Any]]:
    """Return the operations that wait: scheduled, neither done nor cancelled."""
    topic = "0x" + event_signature_to_log_topic(_SCHEDULED).hex()
    logs = ask(web3, "eth_getLogs", {"address": timelock, "topics": [topic], "fromBlock": hex(since)})
    identifiers = list(dict.fromkeys(log["topics"][1] for log in logs))
    if not identifiers:
        return []
    answers = read_all(web3, [view(timelock, "getTimestamp(bytes32)", bytes.fromhex(i[2:])) for i in identifiers])
    times = [unpack(answer, "uint256") for answer in answers]
    # OpenZeppelin: 0 is cancelled, 1 is done, else the time from which it may be executed
    return [
        {"id": identifier, "ready_at": at}
        for identifier, at in zip(identifiers, times, strict=True)
        if at is not None and at > 1
    ]


def _readings(rows: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
    if rows is None:
        return None
    result = []
    for row in rows:
        reading = Reading(
            short_text(bytes.fromhex(row["name"][2:])), *(row[k] for k in ("value", "lower", "target", "upper"))
        )
        result.append(reading.as_dict())
    return result


def _plain(item: Mapping[str, Any], value: Any) -> Any:
    """Return a decoded value by its ABI: structs as dictionaries, addresses checksummed, bytes as hex."""
    kind = item["type"]
    if kind.endswith("]"):
        inner = {**item, "type": kind[: kind.rindex("[")]}
        return [_plain(inner, each) for each in value]
    if kind == "tuple":
        return {part["name"]: _plain(part, each) for part, each in zip(item["components"], value, strict=True)}
    if kind == "address":
        return to_checksum_address(value)
    return "0x" + value.hex() if isinstance(value, bytes) else value
