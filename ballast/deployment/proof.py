"""The proof: who can call what, found out from the chain.

Every state-changing function of every deployed contract is called, in simulation, by every party: the timelock, both
Safes, an owner of each, the contracts themselves, the deployer, every account that ever had a role, and a stranger. The
outcome must be what RULES says. A function that RULES does not know fails the proof, so none can be missed. The code
that vaults run on their own storage must do nothing when it is called itself.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eth_utils import keccak, to_checksum_address

from ballast import units
from ballast.deployment import safe as safes
from ballast.deployment.deploy import CANCELLER, DEFAULT_ADMIN, SAFE, Contract, Deployment, DeploymentResult
from ballast.deployment.file import ZERO_ADDRESS
from ballast.deployment.node import REDEMPTIONS, TIMELOCK, VAULT_CODE, Reverted, encode_call, is_any_of, made_by
from ballast.deployment.safe import Safe

ROLES = {
    "DEFAULT_ADMIN": DEFAULT_ADMIN,
    "PROPOSER": keccak(text="PROPOSER_ROLE"),
    "EXECUTOR": keccak(text="EXECUTOR_ROLE"),
    "CANCELLER": CANCELLER,
}
#: nobody has its key
STRANGER = to_checksum_address(keccak(text="ballast stranger")[12:])
#: whose requests no party may touch
OTHER = to_checksum_address(keccak(text="ballast other")[12:])

#: errors that say: not you
REFUSALS = {
    "Unauthorized",
    "NotOwner",
    "OnlySelf",
    "OnlyDelegated",
    "NotOperator",  # neither who asked nor its operator
    "DepositAtVault",
    "AccessControlUnauthorizedAccount",
    "TimelockUnauthorizedCaller",
    "GS020",  # signatures too short
    "GS030",  # only an owner approves a hash
    "GS031",  # only the Safe itself
    "GS104",  # only a module
    "GS200",  # set up already
}
#: errors that say: nobody, as things are
CLOSED = {"IsShutdown", "NotListed", "NoVenue"}

# Parties
OWNER, GUARDIAN, CURATOR, ROUTER, SELF = "timelock", "guardian", "safe", "its strategy", "itself"
EXITS = "redemptions"
SIGNER = "an owner"
ANYONE = "anyone"


@dataclass(frozen=True)
class Rule:
    """Who may call a function, with which arguments it is tried."""

    function: str
    who: tuple[str, ...]
    arguments: Callable[["_Scene"], tuple[Any, ...]] = lambda _: ()
    #: what this call does, where the arguments decide who may make it
    case: str = ""


@dataclass
class _Scene:
    """What arguments are made of."""

    caller: str
    contract: str
    #: a strategy of the vault, its cap, target and band, its cap as a share
    strategy: str
    weights: tuple[int, int, int]
    cap_share: int
    #: the vault's first risk, its cap and its cap as a share
    risk: tuple[bytes, int, int]
    #: the vault's loss budget and its window
    budget: tuple[int, int]
    limit: int
    queue: list[str]
    #: the strategy's first venue and its cap
    venue: str
    cap: int
    oracle: str
    rules: tuple[int, ...]


def _open(*functions: str) -> list[Rule]:
    """Rules of functions that anyone may call; zeros for arguments."""
    return [Rule(function, (ANYONE,), lambda scene, f=function: _zeros(f)) for function in functions]


def _nobody(*functions: str) -> list[Rule]:
    """Rules of functions that nobody may call; zeros for arguments."""
    return [Rule(function, (), lambda scene, f=function: _zeros(f)) for function in functions]


def _lowered(value: int) -> int:
    return max(value - 1, 0)


def _cap(assets: int, share: int) -> Callable[["_Scene"], tuple[Any, ...]]:
    """Arguments that move a strategy's caps by so much."""
    return lambda s: (s.strategy, max(s.weights[0] + assets, 0), max(s.cap_share + share, 0))


def _risk_cap(assets: int, share: int) -> Callable[["_Scene"], tuple[Any, ...]]:
    """Arguments that move a risk's caps by so much."""
    return lambda s: (s.risk[0], max(s.risk[1] + assets, 0), max(s.risk[2] + share, 0))


_BOTH = (OWNER, GUARDIAN)
_ERC20 = ("approve(address,uint256)", "transfer(address,uint256)", "transferFrom(address,address,uint256)")
_ERC4626 = (
    "deposit(uint256,address)",
    "mint(uint256,address)",
    "redeem(uint256,address,address)",
    "withdraw(uint256,address,address)",
)
_VENUE = [
    Rule("supply(uint256)", (ROUTER,), lambda s: (1,)),
    Rule("withdraw(uint256,address)", (ROUTER,), lambda s: (1, s.caller)),
    *_open("sync()"),
]
_ROLES = [
    Rule("setOwner(address)", (OWNER,), lambda s: (s.caller,)),
    Rule("setGuardian(address)", (OWNER,), lambda s: (s.caller,)),
]
_BATCH = "(address[],uint256[],bytes[],bytes32,bytes32"

_REQUESTS = ("requestRedeem(uint256,address,address)", *_ERC4626[2:])

_SET_CAP = "setCap(address,uint256,uint256)"
_SET_RISK_CAP = "setRiskCap(bytes32,uint256,uint256)"
_SET_LOSS_BUDGET = "setLossBudget(uint256,uint256)"

#: A rule for a function that a contract has not, is passed over.
RULES: dict[str, list[Rule]] = {
    "Vault": [
        *_ROLES,
        *_open(*_ERC20, *_ERC4626, "rebalance()", "report()"),
        *_open("deposit(uint256,address,uint256)", "mint(uint256,address,uint256)"),
        *_open("redeem(uint256,address,address,uint256)", "withdraw(uint256,address,address,uint256)"),
        *_open("redeem(uint256,address,address,uint256,uint256)", "withdraw(uint256,address,address,uint256,uint256)"),
        *_open("redeemInKind(uint256,address,address,uint256)"),
        *_open("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"),
        Rule("pauseDeposits()", _BOTH),
        Rule("revoke(address)", _BOTH, lambda s: (s.strategy,)),
        Rule("shutdown()", _BOTH),
        Rule(_SET_CAP, _BOTH, _cap(-1, -1), "lower"),
        Rule(_SET_CAP, (OWNER,), _cap(1, -1), "raise"),
        Rule(_SET_CAP, (OWNER,), _cap(-1, 1), "raise share"),
        Rule(_SET_RISK_CAP, _BOTH, _risk_cap(-1, -1), "lower"),
        Rule(_SET_RISK_CAP, (OWNER,), _risk_cap(1, -1), "raise"),
        Rule(_SET_RISK_CAP, (OWNER,), _risk_cap(-1, 1), "raise share"),
        Rule(_SET_RISK_CAP, (OWNER,), lambda s: (b"new".ljust(32, b"\0"), 0, 0), "new"),
        Rule(_SET_LOSS_BUDGET, _BOTH, lambda s: (_lowered(s.budget[0]), s.budget[1] + 1), "lower"),
        Rule(_SET_LOSS_BUDGET, (OWNER,), lambda s: (s.budget[0] + 1, s.budget[1] + 1), "raise"),
        Rule(_SET_LOSS_BUDGET, (OWNER,), lambda s: (_lowered(s.budget[0]), s.budget[1] - 1), "shorten window"),
        Rule("setDepositLimit(uint256)", _BOTH, lambda s: (_lowered(s.limit),), "lower"),
        Rule("setDepositLimit(uint256)", (OWNER,), lambda s: (s.limit + 1,), "raise"),
        Rule(
            "setWeight(address,uint256,uint256)",
            (OWNER, GUARDIAN, CURATOR),
            lambda s: (s.strategy, max(s.weights[1] - 1, 0), s.weights[2]),
            "lower target",
        ),
        Rule(
            "setWeight(address,uint256,uint256)",
            (OWNER, CURATOR),
            lambda s: (s.strategy, s.weights[1] + 1, s.weights[2]),
            "raise target",
        ),
        Rule(
            "setWeight(address,uint256,uint256)",
            (OWNER,),
            lambda s: (s.strategy, s.weights[1], s.weights[2] + 1),
            "widen band",
        ),
        Rule("setQueue(address[])", (OWNER, CURATOR), lambda s: (s.queue,)),
        Rule("setCurator(address)", (OWNER,), lambda s: (s.caller,)),
        Rule(
            "addStrategy(address,uint256,uint256,uint256,uint256,bool)",
            (OWNER,),
            lambda s: (s.contract, 1, 0, 0, 1, False),
        ),
        Rule("setRisks(address,bytes32[])", (OWNER,), lambda s: (s.strategy, [])),
        Rule("setGate(address)", (OWNER,), lambda s: (s.contract,)),
        Rule("setLimits(address)", (OWNER,), lambda s: (ZERO_ADDRESS,)),
        Rule("setWaiting(bool)", (EXITS,), lambda s: (True,)),
        Rule("removeStrategy(address,uint256)", (OWNER,), lambda s: (s.strategy, 0)),
        Rule("unpauseDeposits()", (OWNER,)),
        Rule("setFees(uint256,uint256,address)", (OWNER,), lambda s: (0, 0, s.caller)),
        Rule("setPace(uint256,uint256,uint256)", (OWNER,), lambda s: (86400, 86400, 1)),
    ],
    # it changes nothing
    "VaultLens": [],
    REDEMPTIONS: [
        *(
            rule
            for function in _REQUESTS
            for rule in (
                Rule(function, (ANYONE,), lambda s: (1, s.caller, s.caller)),
                Rule(function, (), lambda s: (1, s.caller, OTHER), "another's"),
            )
        ),
        Rule("setOperator(address,bool)", (ANYONE,), lambda s: (STRANGER, True)),
        *_open("fulfil()", "fulfil(uint256)"),
        # closed: deposits are made at the vault
        *_nobody("deposit(uint256,address)", "mint(uint256,address)"),
    ],
    "LendingRouter": [
        *_ROLES,
        *_open(*_ERC20, *_ERC4626, "rebalance()"),
        Rule("pause()", _BOTH),
        Rule("evacuate(address)", _BOTH, lambda s: (s.venue,)),
        Rule("setCap(address,uint256)", _BOTH, lambda s: (s.venue, max(s.cap - 1, 0)), "lower"),
        Rule("setCap(address,uint256)", (OWNER,), lambda s: (s.venue, s.cap + 1), "raise"),
        Rule("unpause()", (OWNER,)),
        Rule("addVenue(address,uint256)", (OWNER,), lambda s: (s.contract, 1)),
        Rule("removeVenue(address,uint256)", (OWNER,), lambda s: (s.venue, 0)),
        Rule("setRules((uint64,uint32,uint32,uint32))", (OWNER,), lambda s: (s.rules,)),
        Rule("setOracle(address)", (OWNER,), lambda s: (s.oracle,)),
        # a step of `rebalance`, as a call so that it can fail as a whole
        Rule("execute((uint256,uint256,uint256,uint256,uint256,uint256))", (SELF,), lambda s: (6 * (0,),)),
    ],
    "Oracle": [],
    "AaveV3Lending": _VENUE,
    "MorphoBlueLending": _VENUE,
    TIMELOCK: [
        Rule(
            "schedule(address,uint256,bytes,bytes32,bytes32,uint256)",
            (CURATOR,),
            lambda s: (s.caller, 0, b"", bytes(32), bytes(32), 366 * 86400),
        ),
        Rule(
            f"scheduleBatch{_BATCH},uint256)",
            (CURATOR,),
            lambda s: ([s.caller], [0], [b""], bytes(32), bytes(32), 366 * 86400),
        ),
        Rule("cancel(bytes32)", (CURATOR, GUARDIAN), lambda s: (bytes(32),)),
        Rule("grantRole(bytes32,address)", (SELF,), lambda s: (ROLES["PROPOSER"], s.caller)),
        Rule("revokeRole(bytes32,address)", (SELF,), lambda s: (ROLES["PROPOSER"], s.caller)),
        Rule("updateDelay(uint256)", (SELF,), lambda s: (0,)),
        Rule("setDelay(bytes4,uint256)", (SELF,), lambda s: (bytes(4), 0)),
        # only one's own
        Rule("renounceRole(bytes32,address)", (ANYONE,), lambda s: (ROLES["PROPOSER"], s.caller)),
        # only what waited long enough
        *_open("execute(address,uint256,bytes,bytes32,bytes32)"),
        Rule(f"executeBatch{_BATCH})", (ANYONE,), lambda s: ([], [], [], bytes(32), bytes(32))),
        *_open(
            "onERC721Received(address,address,uint256,bytes)",
            "onERC1155Received(address,address,uint256,uint256,bytes)",
        ),
        Rule(
            "onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)",
            (ANYONE,),
            lambda s: (s.caller, s.caller, [], [], b""),
        ),
    ],
    SAFE: [
        Rule("addOwnerWithThreshold(address,uint256)", (SELF,), lambda s: (STRANGER, 1)),
        Rule("changeThreshold(uint256)", (SELF,), lambda s: (1,)),
        Rule("removeOwner(address,address,uint256)", (SELF,), lambda s: (s.caller, s.caller, 1)),
        Rule("swapOwner(address,address,address)", (SELF,), lambda s: (s.caller, s.caller, s.caller)),
        Rule("enableModule(address)", (SELF,), lambda s: (STRANGER,)),
        Rule("disableModule(address,address)", (SELF,), lambda s: (s.caller, s.caller)),
        Rule("setFallbackHandler(address)", (SELF,), lambda s: (STRANGER,)),
        Rule("setGuard(address)", (SELF,), lambda s: (ZERO_ADDRESS,)),
        Rule("approveHash(bytes32)", (SIGNER,), lambda s: (bytes(32),)),
        # nobody: only with as many owners' signatures as the threshold says, only modules, only once
        Rule(safes.FUNCTIONS[5], (), lambda s: _zeros(safes.FUNCTIONS[5]), "unsigned"),
        Rule(safes.FUNCTIONS[6], (), lambda s: _zeros(safes.FUNCTIONS[6])),
        Rule(safes.FUNCTIONS[7], (), lambda s: _zeros(safes.FUNCTIONS[7])),
        Rule(
            safes.FUNCTIONS[11],
            (),
            lambda s: ([s.caller], 1, *(ZERO_ADDRESS, b"", ZERO_ADDRESS, ZERO_ADDRESS, 0, ZERO_ADDRESS)),
        ),
        # reverts always
        *_open("simulateAndRevert(address,bytes)"),
    ],
}


@dataclass(frozen=True)
class Row:
    """One function of one contract, as the chain answered."""

    contract: str
    function: str
    case: str
    #: parties that may call it, as measured; ("anyone",) when a stranger may
    who: tuple[str, ...]
    #: how the deployer is refused; empty when it isn't
    deployer: str
    ok: bool
    #: what is wrong, if it isn't
    wrong: str = ""


@dataclass(frozen=True)
class Check:
    """One fact about the custody."""

    what: str
    found: str
    ok: bool


@dataclass(frozen=True)
class Proof:
    """The whole of it."""

    checks: list[Check]
    rows: list[Row]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.failures

    @property
    def failures(self) -> list[str]:
        """One line for each thing that does not hold."""
        lines = [f"{check.what}: {check.found}" for check in self.checks if not check.ok]
        lines += [f"{row.contract}.{row.function}{_cased(row.case)}: {row.wrong}" for row in self.rows if not row.ok]
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        return {
            "ok": self.ok,
            "failures": self.failures,
            "checks": [asdict(check) for check in self.checks],
            "functions": [asdict(row) for row in self.rows],
        }


def prove(deployment: DeploymentResult) -> Proof:
    """Read the chain and say who rules a deployment.

    Parameters
    ----------
    deployment : what `deploy` or `find` returned

    Raises
    ------
    DeploymentError
        The chain cannot be read.
    """
    return _Prover(deployment).prove()


class _Prover:
    def __init__(self, deployment: DeploymentResult) -> None:
        self.deployment = deployment
        self.file, self.node = deployment.file, deployment.node
        self.deployer = deployment.deployer
        self.contracts = deployment.contracts
        self.at = deployment.addresses
        self.former = self._former()

    def prove(self) -> Proof:
        return Proof(list(self._checks()), list(self._rows()))

    # Facts

    def _checks(self) -> Iterator[Check]:
        plan = Deployment(self.file, self.node, self.deployer, self.deployment.record)
        steps = [step.title for step in plan.pending()]
        yield Check("the deployment is finished", steps[0] if steps else "yes", not steps)
        differences = [
            f"{self.file.reason(item.place, '')}{item.here} here, {item.there} on the chain"
            for item in plan.differences()
        ]
        yield Check("values are the file's", "; ".join(differences) or "all", not differences)
        foreign = [name for name, contract in self.contracts.items() if not plan.code_is_ours(contract)]
        yield Check("code is this checkout's, and Safe's own", ", ".join(foreign) or "all", not foreign)

        for name in ("safe", "guardian"):
            safe = Safe(self.node, self.at[name])
            owners, threshold = safe.owners(), safe.threshold()
            yield Check(f"{name}: signatures needed", f"{threshold} of {len(owners)}", 0 < threshold <= len(owners))
            yield Check(
                f"{name}: the deployer is no owner", _yes(self.deployer not in owners), self.deployer not in owners
            )
            yield _is(f"{name}: modules", ", ".join(safe.modules()) or "none", "none")
            yield _is(f"{name}: guard", safe.guard(), ZERO_ADDRESS)
            yield _is(f"{name}: fallback handler", safe.fallback_handler(), safes.FALLBACK_HANDLER)
            yield _is(f"{name}: singleton", safe.singleton(), safes.SINGLETON)

        wanted = {
            "DEFAULT_ADMIN": {self.at["timelock"]},
            "PROPOSER": {self.at["safe"]},
            "EXECUTOR": {ZERO_ADDRESS},
            "CANCELLER": {self.at["safe"], self.at["guardian"]},
        }
        candidates = {*self.at.values(), *self.former, self.deployer, STRANGER, ZERO_ADDRESS}
        for role, identifier in ROLES.items():
            holders = {
                who for who in candidates if self.node.read(TIMELOCK, self.at["timelock"], "hasRole", identifier, who)
            }
            found = ", ".join(sorted(self._named(who) for who in holders)) or "nobody"
            yield Check(f"timelock: {role}", found, holders == wanted[role])
        delay = self.node.read(TIMELOCK, self.at["timelock"], "getMinDelay")
        yield Check("timelock: delay", units.format_duration(delay), delay == self.file.timelock.delay)
        for function, there in plan.delays().items():
            if there or function in self.file.timelock.delays:
                found = units.format_duration(max(there, delay))
                yield Check(f"timelock: delay of {function}", found, there == self.file.timelock.delays.get(function))
        early = self._scheduled_early()
        yield Check("timelock: scheduled while the deployer had its role", ", ".join(early) or "nothing", not early)

        vault = self.at["vault"]
        for name in (*VAULT_CODE, EXITS):
            there = self.node.view(vault, f"{name}()(address)")
            ours = is_any_of(there, [self.at[name]]) and plan.code_is_ours(self.contracts[name])
            yield Check(f"vault: {name}", f"{there}, {'the' if ours else 'NOT the'} code of the build", ours)
        made = is_any_of(self.at[EXITS], [made_by(vault, 1)])
        yield Check(f"{EXITS}: made by the vault, and its alone", _yes(made), made)
        held = self._held_by(self.at[EXITS])
        yield _is(f"{EXITS}: roles", ", ".join(held) or "none", "none")

        for name, contract in self.contracts.items():
            for role, wanted_holder in self._roles_of(contract):
                there = self.node.view(contract.address, f"{role}()(address)")
                yield Check(f"{name}: {role}", self._named(there), there == wanted_holder)

    def _roles_of(self, contract: Contract) -> Iterator[tuple[str, str]]:
        if contract.kind in ("Vault", "LendingRouter"):
            yield "owner", self.at["timelock"]
            yield "guardian", self.at["guardian"]
        if contract.kind == "Vault":
            yield "curator", self.at["safe"]
        if "/" in contract.name:
            yield "owner", self.at[contract.name.split("/")[0]]

    def _held_by(self, account: str) -> list[str]:
        """Return the roles that an account has on the deployment's contracts."""
        timelock = self.at["timelock"]
        found = [
            f"timelock {role}" for role, i in ROLES.items() if self.node.read(TIMELOCK, timelock, "hasRole", i, account)
        ]
        for name, contract in self.contracts.items():
            for role, _ in self._roles_of(contract):
                if is_any_of(self.node.view(contract.address, f"{role}()(address)"), [account]):
                    found.append(f"{name} {role}")
        return found

    def _former(self) -> list[str]:
        """Return every account that ever had a role, by the events."""
        found: dict[str, None] = {}
        start = self.deployment.block
        for log in self.node.logs(self.at["timelock"], "RoleGranted(bytes32,address,address)", start=start):
            found[_account(log["topics"][2])] = None
        for contract in self.contracts.values():
            if contract.kind in ("Vault", "LendingRouter"):
                for log in self.node.logs(contract.address, "RoleSet(bytes32,address)", start=start):
                    found[_account(log["topics"][2])] = None
        return [account for account in found if account != ZERO_ADDRESS]

    def _scheduled_early(self) -> list[str]:
        """Return the operations that were scheduled before the deployer gave up the timelock's administration."""
        address, start = self.at["timelock"], self.deployment.block
        ended = [
            (log["blockNumber"], log["logIndex"])
            for log in self.node.logs(address, "RoleRevoked(bytes32,address,address)", start=start)
            if log["topics"][1] == DEFAULT_ADMIN and _account(log["topics"][2]) == self.deployer
        ]
        event = "CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)"
        return [
            log["topics"][1].to_0x_hex()
            for log in self.node.logs(address, event, start=start)
            if not ended or (log["blockNumber"], log["logIndex"]) < max(ended)
        ]

    def _named(self, address: str) -> str:
        if is_any_of(address, [ZERO_ADDRESS]):
            return ANYONE
        for name, known in (*self.at.items(), ("the deployer", self.deployer)):
            if is_any_of(address, [known]):
                return name
        return address

    # Functions

    def _rows(self) -> Iterator[Row]:
        for contract in self.contracts.values():
            functions = self._functions(contract.kind)
            # what vaults run on their own storage does nothing when it is called itself, whatever it is asked
            rules = _nobody(*functions) if contract.kind in VAULT_CODE.values() else RULES[contract.kind]
            known = {rule.function for rule in rules}
            for function in functions:
                if function not in known:
                    yield Row(contract.name, function, "", (), "", False, "no rule says who may call it")
            there = self._functions(contract.kind, changing=False)
            yield from self._measure(contract, [rule for rule in rules if rule.function in there])

    def _functions(self, kind: str, *, changing: bool = True) -> Sequence[str]:
        if kind == SAFE:
            return safes.FUNCTIONS
        return self.node.artifacts.changing(kind) if changing else self.node.artifacts.functions(kind)

    def _measure(self, contract: Contract, rules: Sequence[Rule]) -> Iterator[Row]:
        parties = self._parties(contract)
        scene = self._scene(contract)
        requests = []
        for rule in rules:
            for _, caller in parties:
                scene.caller = caller
                requests.append((contract.address, encode_call(rule.function, *rule.arguments(scene)), caller))
        answers = iter(self.node.calls(requests))
        for rule in rules:
            outcomes = {name: _outcome(next(answers)) for name, _ in parties}
            yield self._row(contract, rule, outcomes)

    def _row(self, contract: Contract, rule: Rule, outcomes: dict[str, tuple[str, str]]) -> Row:
        may = {name for name, (outcome, _) in outcomes.items() if outcome == "may"}
        closed = {name for name, (outcome, _) in outcomes.items() if outcome == "closed"}
        if ANYONE in rule.who:
            wrong = sorted(set(outcomes) - may - closed)
            text = f"{', '.join(wrong)} may not, but anyone should" if wrong else ""
        else:
            expected = {name for name in outcomes if name in rule.who}
            over, under = sorted(may - expected), sorted(expected - may - closed)
            text = "; ".join(
                part
                for part in (over and f"{', '.join(over)} may call it", under and f"{', '.join(under)} may not")
                if part
            )
        who = (ANYONE,) if "a stranger" in may else tuple(name for name in outcomes if name in may)
        deployer_outcome, error = outcomes["the deployer"]
        refused = error if deployer_outcome != "may" else ""
        return Row(contract.name, rule.function, rule.case, who, refused, not text, text)

    def _parties(self, contract: Contract) -> list[tuple[str, str]]:
        """Return name and address of all who try. A contract's own name comes first where it has two."""
        parties = [(SELF, contract.address)]
        signers = Safe(self.node, contract.address).owners() if contract.kind == SAFE else []
        parties += [(SIGNER, signer) for signer in signers[:1]]
        if "/" in contract.name:
            parties.append((ROUTER, self.at[contract.name.split("/")[0]]))
        others = [(name, self.at[name]) for name in (OWNER, CURATOR, GUARDIAN)]
        others += [("the deployer", self.deployer), ("a stranger", STRANGER)]
        others += [
            (name, self.at[name]) for name in ("vault", EXITS, *(strategy.name for strategy in self.file.strategies))
        ]
        others += [(f"former holder {account}", account) for account in self.former]
        others += [(f"an owner of {name}", Safe(self.node, self.at[name]).owners()[0]) for name in ("safe", "guardian")]
        # who signs for this Safe is tried as one of its owners, whatever else they are
        parties += [item for item in others if item[0] == "the deployer" or item[1] not in signers]
        seen: set[str] = set()
        return [item for item in parties if item[1] not in seen and not seen.add(item[1])]

    def _scene(self, contract: Contract) -> _Scene:
        def vault(function: str, *values: Any) -> Any:
            return self.node.read("Vault", self.at["vault"], function, *values)

        queue, limit = vault("queue"), vault("depositLimit")
        risks, budget = vault("risks"), vault("lossBudget")
        risk = (risks[0].id, risks[0].cap, risks[0].capBps) if risks else (bytes(32), 0, 0)
        strategy, weights, cap_share = ZERO_ADDRESS, (0, 0, 0), 0
        if queue:
            strategy = queue[0]
            known = vault("strategy", strategy)
            weights, cap_share = (known.cap, known.targetBps, known.bandBps), known.capBps
        venue, cap, rules, oracle = ZERO_ADDRESS, 0, (0, 0, 0, 0), self.at["oracle"]
        if contract.kind == "LendingRouter":
            venues = self.node.read(contract.kind, contract.address, "venues")
            if venues:
                venue, cap = venues[0].at, venues[0].cap
            rules = tuple(vars(self.node.read(contract.kind, contract.address, "rules")).values())
        return _Scene(
            STRANGER,
            contract.address,
            strategy,
            weights,
            cap_share,
            risk,
            (budget.budgetBps, budget.window),
            limit,
            queue,
            venue,
            cap,
            oracle,
            rules,
        )


def _outcome(answer: bytes | Reverted) -> tuple[str, str]:
    """Return `may`, `refused` or `closed`, and the error."""
    if isinstance(answer, bytes):
        return "may", ""
    error = str(answer)
    name = error.split("(")[0]
    if name in REFUSALS:
        return "refused", name
    return ("closed" if name in CLOSED else "may"), name


def _zeros(function: str) -> tuple[Any, ...]:
    """Return zero, empty or false for every argument."""
    types = function[function.index("(") + 1 : -1]
    return tuple(_zero(kind) for kind in types.split(",")) if types else ()


def _zero(kind: str) -> Any:
    if kind.endswith("[]"):
        return []
    if kind == "address":
        return ZERO_ADDRESS
    if kind == "bool":
        return False
    if kind.startswith("bytes"):
        return bytes(int(kind[5:] or 0))
    return 0


def _account(topic: bytes) -> str:
    return to_checksum_address(topic[-20:])


def _is(what: str, found: str, wanted: str) -> Check:
    return Check(what, "none" if found == ZERO_ADDRESS else found, found == wanted)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _cased(case: str) -> str:
    return f" ({case})" if case else ""
