"""Deploying: find what stands, make what is missing, hand every role over.

Addresses follow from the file and the deployer (CREATE2), so a run that was interrupted anywhere is taken up by the
next. The code that vaults share has one address for all, which follows from the code alone. The deployer owns vault and
strategies only until their strategies, venues and limits are in; the last steps give them to the timelock.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_utils import function_signature_to_4byte_selector, keccak
from web3 import Web3
from web3.exceptions import BlockNotFound

from ballast import units
from ballast.chain import read_all, short_text, unpack, view
from ballast.deployment import record as records
from ballast.deployment import safe as safes
from ballast.deployment.file import (
    UNLIMITED,
    ZERO_ADDRESS,
    AaveVenue,
    DeploymentFile,
    MorphoVenue,
    OracleModel,
    Router,
    Wallet,
)
from ballast.deployment.node import (
    REDEMPTIONS,
    SHARED,
    TIMELOCK,
    VAULT_CODE,
    Node,
    Reverted,
    Sender,
    encode_call,
    is_any_of,
    made_by,
    signature_of,
)
from ballast.deployment.record import Made, Record
from ballast.deployment.safe import Safe
from ballast.deployment.source import DeploymentFileError, Place
from ballast.errors import DeploymentError
from ballast.mainnet import CREATE2_DEPLOYER

SAFE = "Safe"
VENUE_KINDS = {"aave_v3": "AaveV3Lending", "morpho_blue": "MorphoBlueLending"}
DEFAULT_ADMIN = bytes(32)
CANCELLER = keccak(text="CANCELLER_ROLE")

#: anvil's accounts: everyone has their keys
PUBLIC_TEST_ACCOUNTS = (
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
    "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
    "0x976EA74026E726554dB657fA54763abd0C3a0aa9",
    "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
    "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
    "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
)

Progress = Callable[[str], None]
#: a real chain does not give up blocks this old
_SETTLED_BLOCKS = 64


@dataclass(frozen=True)
class Contract:
    """One contract of a deployment."""

    name: str
    kind: str
    address: str
    stands: bool
    #: who is sent what to make it
    factory: str
    creation: bytes
    arguments: bytes
    #: False when it was made with other values or other code than file and checkout have now
    as_written: bool


@dataclass(frozen=True)
class Difference:
    """A value of the file that the chain does not have."""

    place: Place
    here: str
    there: str
    #: True when no transaction can change it
    fixed: bool


@dataclass(frozen=True)
class Step:
    """One transaction still to be sent."""

    title: str
    to: str
    data: bytes
    #: the contract it makes, if it makes one
    makes: Contract | None = None


@dataclass(frozen=True)
class DeploymentResult:
    """A deployment that stands."""

    file: DeploymentFile
    node: Node
    deployer: str
    contracts: dict[str, Contract]
    #: titles of the steps this run sent
    sent: list[str]
    record: Record

    @property
    def block(self) -> int:
        """A block before the deployment's first transaction."""
        return self.record.block

    @property
    def addresses(self) -> dict[str, str]:
        """Address by name: safe, guardian, timelock, oracle, books, rules, views, lens, vault, redemptions, `strategy`,
        `strategy/venue`; strategies that stood already among them."""
        made = {name: contract.address for name, contract in self.contracts.items()}
        return made | {each.name: each.address for _, each in self.file.standing}

    @property
    def functions(self) -> list[str]:
        """Every function of its contracts that changes state, each once; the Safes' left out."""
        return _changing(self.node, self.contracts)

    @property
    def safe(self) -> Safe:
        """The main Safe."""
        return Safe(self.node, self.contracts["safe"].address)

    @property
    def guardian(self) -> Safe:
        """The guardian Safe."""
        return Safe(self.node, self.contracts["guardian"].address)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        return {
            "name": self.file.name,
            "chain": self.file.chain,
            "deployer": self.deployer,
            "block": self.block,
            "addresses": self.addresses,
            "sent": self.sent,
        }


class Deployment:
    """A file, a chain and a deployer: what stands, what differs, what is missing."""

    def __init__(self, file: DeploymentFile, node: Node, deployer: str, record: Record | None = None) -> None:
        _refuse_other_chain(file, node)
        self.file = file
        self.node = node
        #: strategies that stand already: name -> address
        self._standing = {each.name: each.address for _, each in file.standing}
        self._sender = deployer
        self.record = record if record and _belongs(record, node) else None
        self.refresh()
        if self.record is None:
            # events are looked for from here on; from the beginning when something stands that no record tells of
            known = any(contract.stands for contract in self.contracts.values())
            behind = 0 if node.is_for_tests else _SETTLED_BLOCKS
            block = node.web3.eth.get_block(0 if known else max(0, node.web3.eth.block_number - behind))
            self.record = Record(file.name, file.chain, deployer, block["number"], block["hash"].to_0x_hex())

    def refresh(self) -> None:
        """Look at the chain again."""
        made = self.record.contracts if self.record else {}
        self._recorded = {name: entry for name, entry in made.items() if self.node.has_code(entry.address)}
        self.deployer = self.record.deployer if self._recorded else self._sender
        self.contracts: dict[str, Contract] = {}
        self._blueprint()

    def _at(self, name: str) -> str:
        return self._standing[name] if name in self._standing else self.contracts[name].address

    def _blueprint(self) -> None:
        file, deployer = self.file, self.deployer
        self._wallet("safe", file.safe)
        self._wallet("guardian", file.guardian)
        delays = file.timelock.delays
        self._own(
            "timelock",
            TIMELOCK,
            file.timelock.delay,
            [self._at("safe")],
            [ZERO_ADDRESS],
            deployer,
            [function_signature_to_4byte_selector(function) for function in delays],
            list(delays.values()),
        )
        self._own("oracle", "Oracle", _oracle_arguments(file.oracle))
        for _, strategy in file.routers:
            rules = strategy.rules
            self._own(
                strategy.name,
                "LendingRouter",
                file.asset.address,
                strategy.token_name,
                strategy.token_symbol,
                deployer,
                self._at("guardian"),
                self._at("oracle"),
                (rules.margin, rules.window, rules.horizon, rules.gas_units),
            )
            for venue in strategy.venues:
                name, kind = f"{strategy.name}/{venue.name}", VENUE_KINDS[venue.kind]
                self._own(name, kind, self._at(strategy.name), file.asset.address, *_venue_arguments(venue))
        for name, kind in SHARED.items():
            self._own(name, kind)
        terms = file.vault
        self._own(
            "vault",
            "Vault",
            (
                file.asset.address,
                terms.name,
                terms.symbol,
                deployer,
                self._at("guardian"),
                self._at("safe"),
                self.fee_recipient,
                terms.performance_fee,
                terms.management_fee,
                terms.growth_cap,
                terms.unlock_period,
                terms.report_period,
                terms.loss_budget,
                terms.loss_window,
            ),
            *(self._at(name) for name in VAULT_CODE),
        )
        # the vault makes it, with its first `new`
        vault = self._at("vault")
        arguments = self.node.arguments(REDEMPTIONS, file.asset.address)
        self._add("redemptions", REDEMPTIONS, made_by(vault, 1), vault, b"", arguments)

    @property
    def fee_recipient(self) -> str:
        """Who gets the fees."""
        recipient = self.file.vault.fee_recipient
        return self._at("safe") if recipient == "safe" else recipient

    def _wallet(self, name: str, wallet: Wallet) -> None:
        address, data = safes.creation(
            self.node, wallet.owners, wallet.threshold, int.from_bytes(self._salt(name), "big")
        )
        arguments = safes.initializer(wallet.owners, wallet.threshold)
        self._add(name, SAFE, address, safes.PROXY_FACTORY, data, arguments)

    def _own(self, name: str, kind: str, *values: Any) -> None:
        arguments = self.node.arguments(kind, *values)
        address, data = self.node.create_data(kind, arguments, self._salt(name))
        self._add(name, kind, address, CREATE2_DEPLOYER, data, arguments)

    def _add(self, name: str, kind: str, address: str, factory: str, data: bytes, arguments: bytes) -> None:
        recorded = self._recorded.get(name)
        if recorded:
            same = recorded.address == address
            made = bytes.fromhex(recorded.arguments)
            self.contracts[name] = Contract(name, kind, recorded.address, True, factory, data, made, same)
        else:
            stands = self.node.has_code(address)
            self.contracts[name] = Contract(name, kind, address, stands, factory, data, arguments, True)

    def _salt(self, name: str) -> bytes:
        if name in SHARED:
            return bytes(32)  # every deployment's
        return keccak(text=f"ballast/{self.file.name}/{name}")

    def code_is_ours(self, contract: Contract) -> bool:
        """Whether a standing contract was made from the code of this checkout, or is a Safe as published."""
        if contract.kind == SAFE:
            return bytes(self.node.web3.eth.get_code(contract.address)) == safes.proxy_code(self.node)
        if contract.kind in (*SHARED.values(), REDEMPTIONS):
            return self._has_the_builds_code(contract)
        address, _ = self.node.create_data(contract.kind, contract.arguments, self._salt(contract.name))
        return address == contract.address

    def _has_the_builds_code(self, contract: Contract) -> bool:
        """Whether what stands is to the byte what the build makes there."""
        there = bytes(self.node.web3.eth.get_code(contract.address))
        return there == self.node.runtime(contract.kind, contract.arguments, contract.address, maker=contract.factory)

    # What is wrong with the file for this chain

    def check_chain(self) -> None:
        """Refuse what the file alone could not show: missing contracts, wrong tokens, a deployer who owns a Safe.

        Raises
        ------
        DeploymentFileError
            One line for each reason, with the file and the line.
        """
        found = [self.file.reason(place, text) for place, text in self._wrong_for_chain()]
        if found:
            raise DeploymentFileError(found)

    def _wrong_for_chain(self) -> Iterator[tuple[Place, str]]:
        file, node = self.file, self.node
        for key, wallet in (("safe", file.safe), ("guardian", file.guardian)):
            for index, owner in enumerate(wallet.owners):
                place = (key, "owners", index)
                if is_any_of(owner, [self.deployer]):
                    yield place, f"{owner} deploys, and the deployer may keep nothing: deploy from another account"
                if not node.is_for_tests and is_any_of(owner, PUBLIC_TEST_ACCOUNTS):
                    yield place, f"{owner} is a test account whose key everyone has"

        changing = _changing(node, self.contracts)
        for function in file.timelock.delays:
            if function not in changing:
                yield ("timelock", "delays", function), "no contract of the deployment has such a function"

        places: list[tuple[Place, str]] = [(("asset", "address"), file.asset.address)]
        places += [(("vault", "gate"), file.vault.gate)] if file.vault.gate else []
        places += [(("oracle", key), getattr(file.oracle, key)) for key in ("base", "base_feed", "quote_feed", "pool")]
        places += [(("oracle", "sequencer"), file.oracle.sequencer)] if file.oracle.sequencer else []
        places += [(("strategies", index, "address"), each.address) for index, each in file.standing]
        for index, strategy in file.routers:
            for number, venue in enumerate(strategy.venues):
                key = "addresses_provider" if isinstance(venue, AaveVenue) else "morpho"
                places.append((("strategies", index, "venues", number, key), getattr(venue, key)))
        missing = [place for place, address in places if not node.has_code(address)]
        yield from ((place, "no contract stands there") for place in missing)
        if missing:
            return

        for key, kind in (("symbol", "string"), ("decimals", "uint8")):
            there = node.view(file.asset.address, f"{key}()({kind})")
            if there != getattr(file.asset, key):
                yield ("asset", key), f"is {there} on the chain"
        tokens = {node.view(file.oracle.pool, f"{key}()(address)") for key in ("token0", "token1")}
        if tokens != {file.oracle.base, file.oracle.quote}:
            yield ("oracle", "pool"), f"trades {' and '.join(sorted(tokens))}, not base and quote"
        for index, strategy in file.standing:
            yield from ((("strategies", index, "address"), text) for text in self._wrong_with(strategy.address))
        for index, strategy in file.routers:
            for number, venue in enumerate(strategy.venues):
                if isinstance(venue, MorphoVenue):
                    loan = node.view(
                        venue.morpho,
                        "idToMarketParams(bytes32)(address,address,address,address,uint256)",
                        bytes.fromhex(venue.market[2:]),
                    )[0]
                    if loan != file.asset.address:
                        yield (
                            ("strategies", index, "venues", number, "market"),
                            ("does not exist" if loan == ZERO_ADDRESS else f"lends {loan}, not the asset"),
                        )

    def _wrong_with(self, strategy: str) -> Iterator[str]:
        """Yield why a strategy that stands already cannot be the vault's."""
        asset = self._answer(strategy, "asset()(address)")
        if asset != self.file.asset.address:
            yield f"is no ERC-4626 over {self.file.asset.symbol}: its asset() is {asset or 'no address'}"
        elif is_any_of(self.deployer, [self._answer(strategy, "owner()(address)") or ZERO_ADDRESS]):
            yield f"belongs to {self.deployer}, who deploys and may keep nothing: give it to its timelock first"

    def _answer(self, target: str, view: str) -> Any:
        """Return what a contract that may be anything answers, None when it does not."""
        try:
            return self.node.view(target, view)
        except Reverted:
            return None

    # What stands otherwise than the file says

    def differences(self) -> list[Difference]:
        """Return the values of the file that standing contracts do not have, and that no pending step will set."""
        return [item for item in self._compared() if item.here != item.there]

    def _compared(self) -> Iterator[Difference]:
        file = self.file
        amount, bps, time = file.shown, units.format_bps, units.format_duration

        def item(
            place: Place, here: Any, there: Any, shown: Callable[[Any], str] = str, fixed: bool = False
        ) -> Difference:
            return Difference(place, shown(here), shown(there), fixed)

        for name, wallet in (("safe", file.safe), ("guardian", file.guardian)):
            if self.contracts[name].stands:
                safe = Safe(self.node, self._at(name))
                yield item((name, "owners"), sorted(wallet.owners), sorted(safe.owners()), ", ".join)
                yield item((name, "threshold"), wallet.threshold, safe.threshold())
        if self.contracts["timelock"].stands:
            least = self._read("timelock", "getMinDelay")
            yield item(("timelock", "delay"), file.timelock.delay, least, time)
            for function, there in self.delays().items():
                here = file.timelock.delays.get(function, 0)
                yield item(("timelock", "delays", function), here, there, lambda x: time(x) if x else "as all others")
        if self.contracts["oracle"].stands:
            for key, getter, shown in (
                ("base_feed", "baseFeed", str),
                ("base_max_age", "baseMaxAge", time),
                ("quote_feed", "quoteFeed", str),
                ("quote_max_age", "quoteMaxAge", time),
                ("pool", "pool", str),
                ("twap_period", "twapPeriod", time),
                ("max_deviation", "maxDeviationBps", bps),
            ):
                yield item(("oracle", key), getattr(file.oracle, key), self._read("oracle", getter), shown, fixed=True)
            for key, none, getter, shown in (
                ("sequencer", ZERO_ADDRESS, "sequencer", str),
                ("sequencer_grace", 0, "sequencerGrace", time),
            ):
                here = getattr(file.oracle, key) or none
                yield item(("oracle", key), here, self._read("oracle", getter), shown, fixed=True)

        for index, strategy in file.routers:
            if self.contracts[strategy.name].stands:
                yield from self._compared_strategy(("strategies", index), strategy, item)

        if not self.contracts["vault"].stands:
            return
        terms = file.vault
        yield item(("asset", "address"), file.asset.address, self._read("vault", "asset"), fixed=True)
        yield item(("vault", "name"), terms.name, self._read("vault", "name"), fixed=True)
        yield item(("vault", "symbol"), terms.symbol, self._read("vault", "symbol"), fixed=True)
        yield item(("safe",), self._at("safe"), self._read("vault", "curator"), lambda x: f"curator {x}")
        yield item(("guardian",), self._at("guardian"), self._read("vault", "guardian"), lambda x: f"guardian {x}")
        for key, here, getter, shown in (
            ("fee_recipient", self.fee_recipient, "feeRecipient", str),
            ("performance_fee", terms.performance_fee, "performanceFeeBps", bps),
            ("management_fee", terms.management_fee, "managementFeeBps", bps),
            ("growth_cap", terms.growth_cap, "growthCapBps", bps),
            ("unlock_period", terms.unlock_period, "unlockPeriod", time),
            ("report_period", terms.report_period, "reportPeriod", time),
        ):
            yield item(("vault", key), here, self._read("vault", getter), shown)
        budget = self._read("vault", "lossBudget")
        yield item(("vault", "loss_budget"), terms.loss_budget, budget.budgetBps, bps)
        yield item(("vault", "loss_window"), terms.loss_window, budget.window, time)
        gate = self._read("vault", "gate")
        if not self._is_deployers("vault") or gate != ZERO_ADDRESS:
            yield item(("vault", "gate"), terms.gate or ZERO_ADDRESS, gate)
        yield from self._compared_risks(item)
        limit = self._read("vault", "depositLimit")
        if not self._is_deployers("vault") or limit != UNLIMITED:
            yield item(("vault", "deposit_limit"), terms.deposit_limit, limit, amount)
        queue = [address.lower() for address in self._read("vault", "queue")]
        wanted = [self._at(strategy.name).lower() for strategy in file.strategies]
        if not self._is_deployers("vault") or queue != wanted[: len(queue)]:
            yield item(("strategies",), wanted, queue, lambda x: f"[{', '.join(self._name_of(a) for a in x)}]")
        for index, strategy in enumerate(file.strategies):
            if self._at(strategy.name).lower() in queue:
                known = self._read("vault", "strategy", self._at(strategy.name))
                place = ("strategies", index)
                yield item((*place, "cap"), strategy.cap, known.cap, amount)
                yield item((*place, "cap_share"), strategy.cap_share, known.capBps, bps)
                yield item((*place, "volatile"), strategy.volatile, known.isVolatile, lambda x: "yes" if x else "no")
                if not self._is_deployers("vault") or known.risks:
                    borne = self._risks_of(known.risks)
                    yield item((*place, "risks"), sorted(strategy.risks), sorted(borne), _listed)
                yield item((*place, "weight"), strategy.weight, known.targetBps, bps)
                yield item((*place, "band"), strategy.band, known.bandBps, bps)

    def _compared_risks(self, item: Callable[..., Difference]) -> Iterator[Difference]:
        there = self._risks()
        wanted = {risk.id for risk in self.file.risks}
        if not self._is_deployers("vault") or not wanted >= set(there):
            yield item(("risks",), sorted(wanted), sorted(there), _listed)
        for index, risk in enumerate(self.file.risks):
            if risk.id in there:
                cap, share = there[risk.id]
                yield item(("risks", index, "cap"), risk.cap, cap, self.file.shown)
                yield item(("risks", index, "cap_share"), risk.cap_share, share, units.format_bps)

    def _risks(self) -> dict[str, tuple[int, int]]:
        """Return the caps (in assets, and as a share in 1e4) of the vault's risks, in its order."""
        if not self.contracts["vault"].stands:
            return {}
        return {short_text(risk.id): (risk.cap, risk.capBps) for risk in self._read("vault", "risks")}

    def _risks_of(self, bits: int) -> list[str]:
        return [name for index, name in enumerate(self._risks()) if bits >> index & 1]

    def delays(self) -> dict[str, int]:
        """Return the delay set for each function of the deployment's, as `set_delays`."""
        return set_delays(self.node, self._at("timelock"), _changing(self.node, self.contracts))

    def _compared_strategy(
        self, place: Place, strategy: Router, item: Callable[..., Difference]
    ) -> Iterator[Difference]:
        name = strategy.name
        yield item((*place, "token_name"), strategy.token_name, self._read(name, "name"), fixed=True)
        yield item((*place, "token_symbol"), strategy.token_symbol, self._read(name, "symbol"), fixed=True)
        yield item(
            ("guardian",), self._at("guardian"), self._read(name, "guardian"), lambda x: f"guardian {x} of {name}"
        )
        yield item(("oracle",), self._at("oracle"), self._read(name, "oracle"), lambda x: f"{x} for {name}")
        rules = self._read(name, "rules")
        for key, there, shown in (
            ("margin", rules.marginWad, units.format_wad),
            ("window", rules.window, units.format_duration),
            ("horizon", rules.horizon, units.format_duration),
            ("gas_units", rules.gasUnits, str),
        ):
            yield item((*place, "rules", key), getattr(strategy.rules, key), there, shown)

        venues = self._read(name, "venues")
        there = [venue.at.lower() for venue in venues]
        wanted = [self._at(f"{name}/{venue.name}").lower() for venue in strategy.venues]
        if not self._is_deployers(name) or there != wanted[: len(there)]:
            yield item((*place, "venues"), wanted, there, lambda x: f"[{', '.join(self._name_of(a) for a in x)}]")
        for number, venue in enumerate(strategy.venues):
            full, spot = f"{name}/{venue.name}", (*place, "venues", number)
            if not self.contracts[full].stands:
                continue
            if wanted[number] in there:
                yield item((*spot, "cap"), venue.cap, venues[there.index(wanted[number])].cap, self.file.shown)
            if isinstance(venue, AaveVenue):
                pool = self.node.view(venue.addresses_provider, "getPool()(address)")
                yield item(
                    (*spot, "addresses_provider"), pool, self._read(full, "pool"), lambda x: f"pool {x}", fixed=True
                )
            else:
                yield item((*spot, "morpho"), venue.morpho, self._read(full, "morpho"), fixed=True)
                market = "0x" + self._read(full, "id").hex()
                yield item((*spot, "market"), venue.market, market, fixed=True)

    def refuse_differences(self) -> None:
        """Raise when a standing contract has other values than the file.

        Raises
        ------
        DeploymentFileError
            One line for each, with the file and the line.
        """
        found = []
        for item in self.differences():
            way = "cannot be changed: restore it, or deploy under another name" if item.fixed else self._way()
            found.append(self.file.reason(item.place, f"{item.here} here, {item.there} on the chain; {way}"))
        for name, contract in self.contracts.items():
            if contract.stands and not self.code_is_ours(contract):
                found.append(
                    f"{self.file.path}: {name} at {contract.address} was made from other code than this checkout's: "
                    "check out the version that made it"
                )
        if found:
            raise DeploymentFileError(found)

    def _way(self) -> str:
        if self.handed_over:
            return "what stands is changed through the timelock (ape run govern propose), then here"
        return "restore it to finish the deployment, then change it through the timelock; or deploy under another name"

    @property
    def handed_over(self) -> bool:
        """Whether the vault stands and no longer belongs to the deployer."""
        return self.contracts["vault"].stands and not self._is_deployers("vault")

    # What is missing

    def pending(self) -> list[Step]:
        """Return the steps still to be sent, in order."""
        return list(self._steps())

    def _steps(self) -> Iterator[Step]:
        file, timelock = self.file, self._at("timelock")
        for name in ("safe", "guardian", "timelock", "oracle"):
            yield from self._make(name)
        for _, strategy in file.routers:
            yield from self._make(strategy.name)
            for venue in strategy.venues:
                name = f"{strategy.name}/{venue.name}"
                yield from self._make(name)
                if self._is_deployers(strategy.name) and not self._holds(strategy.name, name):
                    title = f"{strategy.name}: add venue {venue.name}, cap {file.shown(venue.cap)}"
                    yield self._call(strategy.name, title, "addVenue", self._at(name), venue.cap)
        for name in (*SHARED, "vault"):
            yield from self._make(name)
        if self._is_deployers("vault"):
            yield from self._vault_steps()
        if not self.contracts["timelock"].stands or self._has_role(DEFAULT_ADMIN, self.deployer):
            guardian = self._at("guardian")
            if not self.contracts["timelock"].stands or not self._has_role(CANCELLER, guardian):
                yield self._call("timelock", "timelock: let the guardian cancel", "grantRole", CANCELLER, guardian)
            title = "timelock: deployer gives up its role"
            yield self._call("timelock", title, "renounceRole", DEFAULT_ADMIN, self.deployer)
        for name in (*(strategy.name for _, strategy in file.routers), "vault"):
            if self._is_deployers(name):
                yield self._call(name, f"{name}: hand over to the timelock", "setOwner", timelock)

    def _vault_steps(self) -> Iterator[Step]:
        file, bps = self.file, units.format_bps
        stands = self.contracts["vault"].stands
        known = self._risks()
        for risk in file.risks:
            if risk.id not in known:
                title = f"vault: cap risk {risk.id} at {file.shown(risk.cap)} and {bps(risk.cap_share)}"
                yield self._call("vault", title, "setRiskCap", _word(risk.id), risk.cap, risk.cap_share)
        queue = self._read("vault", "queue") if stands else []
        for strategy in file.strategies:
            address = self._at(strategy.name)
            listed = is_any_of(address, queue)
            if not listed:
                title = f"vault: add strategy {strategy.name}, cap {file.shown(strategy.cap)} and "
                title += f"{bps(strategy.cap_share)}, weight {bps(strategy.weight)}"
                shares = (strategy.cap_share, strategy.weight, strategy.band)
                values = (address, strategy.cap, *shares, strategy.volatile)
                yield self._call("vault", title, "addStrategy", *values)
            if strategy.risks and not (listed and self._read("vault", "strategy", address).risks):
                title = f"vault: {strategy.name} bears {', '.join(strategy.risks)}"
                yield self._call("vault", title, "setRisks", address, [_word(risk) for risk in strategy.risks])
        if (self._read("vault", "depositLimit") if stands else UNLIMITED) != file.vault.deposit_limit:
            title = f"vault: limit deposits to {file.shown(file.vault.deposit_limit)}"
            yield self._call("vault", title, "setDepositLimit", file.vault.deposit_limit)
        gate = file.vault.gate
        if gate and (not stands or self._read("vault", "gate") == ZERO_ADDRESS):
            yield self._call("vault", f"vault: ask {gate} before deposits", "setGate", gate)

    def _make(self, name: str) -> Iterator[Step]:
        contract = self.contracts[name]
        if not contract.stands:
            yield Step(
                f"make {name} ({contract.kind}) at {contract.address}", contract.factory, contract.creation, contract
            )

    def _call(self, name: str, title: str, function: str, *values: Any) -> Step:
        contract = self.contracts[name]
        entry = self.node.artifacts.function(contract.kind, function, len(values))
        return Step(title, contract.address, encode_call(signature_of(entry), *values))

    def _read(self, name: str, function: str, *values: Any) -> Any:
        contract = self.contracts[name]
        return self.node.read(contract.kind, contract.address, function, *values)

    def _is_deployers(self, name: str) -> bool:
        """Whether the deployer rules it now, or will once it is made."""
        return not self.contracts[name].stands or is_any_of(self._read(name, "owner"), [self.deployer])

    def _has_role(self, role: bytes, account: str) -> bool:
        return self._read("timelock", "hasRole", role, account)

    def _holds(self, strategy: str, venue: str) -> bool:
        if not self.contracts[strategy].stands:
            return False
        return is_any_of(self._at(venue), [item.at for item in self._read(strategy, "venues")])

    def _name_of(self, address: str) -> str:
        known = self._standing | {name: contract.address for name, contract in self.contracts.items()}
        return next((name for name, at in known.items() if is_any_of(at, [address])), address)

    def result(self, sent: list[str]) -> DeploymentResult:
        """Return it as what stands."""
        return DeploymentResult(self.file, self.node, self.deployer, self.contracts, sent, self.record)

    def note(self, path: Path | None) -> None:
        """Enter what stands into the record, and write it if it has a path."""
        self.record.deployer = self.deployer
        for name, contract in self.contracts.items():
            if contract.stands:
                self.record.contracts[name] = Made(contract.kind, contract.address, contract.arguments.hex())
        if path:
            self.record.save(path)


def deploy(
    file: DeploymentFile,
    web3: Web3,
    sender: Sender,
    *,
    record: Path | None = None,
    progress: Progress = lambda _: None,
) -> DeploymentResult:
    """Make what a deployment file asks for and is not there yet, and hand every role over.

    Parameters
    ----------
    file : what is to stand
    web3 : the chain
    sender : who pays and sends; keeps nothing
    record : JSON file of what was made, read and written; nothing is written when left out
    progress : called with a line of text before each transaction

    Raises
    ------
    DeploymentFileError
        The file does not fit the chain, or what stands there has other values.
    DeploymentError
        The chain refuses a transaction, or another account began this deployment.
    """
    node = Node(web3)
    kept = records.read(record) if record else None
    deployment = Deployment(file, node, sender.address, kept)
    deployment.check_chain()
    deployment.refuse_differences()
    deployment.note(record)
    steps = deployment.pending()
    if steps:
        if not is_any_of(sender.address, [deployment.deployer]):
            raise DeploymentError(
                f"{file.path}: this deployment was begun by {deployment.deployer}: finish it from that account"
            )
        waiting = web3.eth.get_transaction_count(sender.address, "pending") - web3.eth.get_transaction_count(
            sender.address
        )
        if waiting:
            raise DeploymentError(f"{sender.address} has {waiting} transactions waiting: run again when they are mined")
    sent = []
    for number, step in enumerate(steps, 1):
        progress(f"{number}/{len(steps)} {step.title}")
        node.send(sender, step.to, step.data, what=step.title)
        if step.makes:
            if not node.has_code(step.makes.address):
                raise DeploymentError(f"{step.title}: sent, but no code stands there")
            deployment.refresh()
            deployment.note(record)
        sent.append(step.title)
    deployment.refresh()
    left = deployment.pending()
    if left:
        raise DeploymentError(f"still to do after all was sent: {left[0].title}")
    deployment.note(record)
    return deployment.result(sent)


def find(file: DeploymentFile, web3: Web3, deployer: str, *, record: Path | None = None) -> DeploymentResult:
    """Return a finished deployment without sending anything.

    Raises
    ------
    DeploymentError
        It is not there, or not finished.
    """
    deployment = Deployment(file, Node(web3), deployer, records.read(record) if record else None)
    deployment.check_chain()
    steps = deployment.pending()
    if steps:
        raise DeploymentError(f"{file.path}: not finished here, next is: {steps[0].title}; ape run deploy does it")
    return deployment.result([])


def _refuse_other_chain(file: DeploymentFile, node: Node) -> None:
    reason = ""
    if file.chain != node.chain_id:
        reason = (
            f"{file.chain} here, but the connected chain is {node.chain_id}: name another with --network, or correct it"
        )
    else:
        lacking = [address for address in (CREATE2_DEPLOYER, *safes.INFRASTRUCTURE) if not node.has_code(address)]
        if lacking:
            reason = (
                f"this chain lacks {lacking[0]}, which mainnet has: Safes and contracts cannot be made the same way"
            )
    if reason:
        raise DeploymentFileError([file.reason(("chain",), reason)])


def _belongs(record: Record, node: Node) -> bool:
    """Whether a record was written on this chain: another fork of it has another block there, or none."""
    try:
        return node.web3.eth.get_block(record.block)["hash"].to_0x_hex() == record.block_hash
    except BlockNotFound:
        return False


def set_delays(node: Node, timelock: str, functions: Sequence[str]) -> dict[str, int]:
    """Return the delay that a timelock has set for each function, in seconds; 0 where only the least counts."""
    selectors = [function_signature_to_4byte_selector(function) for function in functions]
    answers = read_all(node.web3, [view(timelock, "delays(bytes4)", selector) for selector in selectors])
    return {function: unpack(answer, "uint256") for function, answer in zip(functions, answers, strict=True)}


def _changing(node: Node, contracts: dict[str, Contract]) -> list[str]:
    kinds = dict.fromkeys(contract.kind for contract in contracts.values() if contract.kind != SAFE)
    return list(dict.fromkeys(function for kind in kinds for function in node.artifacts.changing(kind)))


def _word(text: str) -> bytes:
    return text.encode().ljust(32, b"\0")


def _listed(items: list[str]) -> str:
    return f"[{', '.join(items)}]"


def _oracle_arguments(oracle: OracleModel) -> tuple[Any, ...]:
    return (
        oracle.base_feed,
        oracle.quote_feed,
        oracle.base_max_age,
        oracle.quote_max_age,
        oracle.pool,
        oracle.base,
        oracle.quote,
        oracle.twap_period,
        oracle.max_deviation,
        oracle.sequencer or ZERO_ADDRESS,
        oracle.sequencer_grace or 0,
    )


def _venue_arguments(venue: AaveVenue | MorphoVenue) -> tuple[Any, ...]:
    if isinstance(venue, AaveVenue):
        return (venue.addresses_provider,)
    return (venue.morpho, bytes.fromhex(venue.market[2:]))
