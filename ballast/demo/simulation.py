"""The demo itself: deploy, let two depositors in, let the days pass, let one out."""

import time
from collections.abc import Callable
from typing import Any, Protocol

from web3.logs import DISCARD

from ballast import market
from ballast.demo import actors, scenario
from ballast.demo.chain import Chain
from ballast.demo.observation import WAD, Observation, Observer
from ballast.demo.scenario import Step
from ballast.demo.story import Action, Depositor, Event, Move, Story
from ballast.deployment import (
    Call,
    DeploymentFile,
    DeploymentResult,
    KeySender,
    Timelock,
    deploy,
    describe,
    prove,
)
from ballast.keeper import ChainCourier, ChainReader, Contract, Cycle, ErrorBook, Keeper, Result
from ballast.mainnet import ERC20_ABI, ETH_USD_FEED, UNISWAP_V3_USDC_WETH_500

#: whole assets that each depositor brings
FIRST_DEPOSIT, SECOND_DEPOSIT = 6_000_000, 4_000_000
#: most wei per gas (base fee and tip) at which the keeper sends
KEEPER_MAX_FEE_WEI = 14 * 10**9
#: the Safe asks for this much of a venue's cap
CAP_RAISE_PERCENT = 115
#: rounds are pushed so long before the keeper looks
_FEED_LEAD_SECONDS = 900
_CAP_PART, _CANCEL_PART = 7 / 30, 14 / 30
_RECEIPT_POLL_SECONDS = 0.002


class Watcher(Protocol):
    """Who looks on."""

    def say(self, text: str) -> None:
        """Told what is being done before the days begin."""

    def see(self, story: Story) -> None:
        """Told after each step; the last sample is new."""


def run(chain: Chain, file: DeploymentFile, watcher: Watcher, *, days: int, seed: int) -> Story:
    """Play the demo on a chain.

    Parameters
    ----------
    chain : the demo's own
    file : what to deploy; the owners of its Safes must be published test accounts
    watcher : told what happens
    days : simulated days
    seed : of borrowers, prices and base fees
    """
    return _Simulation(chain, file, watcher, days, seed).run()


class _Simulation:
    def __init__(self, chain: Chain, file: DeploymentFile, watcher: Watcher, days: int, seed: int) -> None:
        self.chain, self.web3 = chain, chain.web3
        self.watcher = watcher
        self.steps = scenario.steps(days, seed)
        self.unit = 10**file.asset.decimals
        for name in ("deployer", "keeper", "first depositor", "second depositor", "anyone"):
            chain.fund(actors.account(name).address, 100)
        watcher.say("deploying Safe, guardian, timelock, oracle, strategy and vault")
        self.at: DeploymentResult = deploy(
            file,
            self.web3,
            KeySender(actors.account("deployer")),
            progress=lambda text: watcher.say(f"deploying {text}"),
        )
        self.node = self.at.node
        watcher.say("asking the chain who may call what")
        proof = prove(self.at)
        self.strategy = file.strategies[0]
        self.story = Story(
            days=days,
            seed=seed,
            upstream=chain.upstream,
            chain_id=self.node.chain_id,
            asset=file.asset.symbol,
            decimals=file.asset.decimals,
            no_crowd=chain.no_crowd,
            addresses=self.at.addresses,
            deployment_transactions=len(self.at.sent),
            proof_lines=[{"what": item.what, "found": item.found, "ok": item.ok} for item in proof.checks],
            proof_functions=len(proof.rows),
            proof_failures=proof.failures,
        )
        self.vault, self.router = self._contract("vault"), self._contract(self.strategy.name)
        self.asset = self.web3.eth.contract(file.asset.address, abi=ERC20_ABI)
        self.venue_names = {
            self.at.addresses[f"{self.strategy.name}/{venue.name}"].lower(): venue.name
            for venue in self.strategy.venues
        }
        self.timelock = Timelock(self.at)
        self.safe_signers = actors.signers(file.safe.owners, file.safe.threshold)
        self.guardian_signers = actors.signers(file.guardian.owners, file.guardian.threshold)
        holders = {name: actors.account(name).address for name in ("first depositor", "second depositor")}
        self.observer = Observer(self.web3, self.at, {**holders, "fees": self.vault.functions.feeRecipient().call()})
        self.keeper = self._keeper()
        self.pending: Any = None

    def _contract(self, name: str) -> Any:
        made = self.at.contracts[name]
        abi = self.node.artifacts.abi(made.kind)
        return self.web3.eth.contract(address=made.address, abi=abi, decode_tuples=True)

    def _keeper(self) -> Keeper:
        kinds = {contract.kind for contract in self.at.contracts.values()} - {"Safe"}
        errors = ErrorBook(item for kind in kinds for item in self.node.artifacts.abi(kind))
        kept = [Contract(self.router.address, self.strategy.name), Contract(self.vault.address, "vault")]
        signer = actors.KeeperSigner(actors.account("keeper"))
        courier = ChainCourier(self.web3, errors, signer, sleep=lambda _: time.sleep(_RECEIPT_POLL_SECONDS))
        return Keeper(ChainReader(self.web3, kept, errors), courier, max_fee=KEEPER_MAX_FEE_WEI)

    # The days

    def run(self) -> Story:
        self.chain.set_base_fee(self.steps[0].base_fee_wei)
        self.chain.mine()
        self.story.started_at = self.chain.time()
        self.story.started_block = self.web3.eth.block_number
        self._enter("first depositor", FIRST_DEPOSIT * self.unit)
        self.price = _start_price(self.chain) if self.chain.has_crowd else 0
        self._sample()
        plan = self._plan()
        for step in self.steps:
            if self.chain.has_crowd:
                self._crowd(step)
            self.chain.set_base_fee(step.base_fee_wei)
            self.chain.pass_until(self.story.started_at + step.elapsed)
            self.chain.mine()
            cycle = self.keeper.cycle()
            self._note(cycle)
            for act in plan.get(step.number, ()):
                act()
            if self.pending and self.chain.time() >= self.pending[2]:
                self._execute()
            self._sample()
        self._leave("first depositor")
        self._sample()
        self._settle()
        self.watcher.see(self.story)
        return self.story

    def _plan(self) -> dict[int, list[Callable[[], None]]]:
        """Who does what after which step."""
        count = len(self.steps)
        plan: dict[int, list[Callable[[], None]]] = {}
        plan.setdefault(scenario.STEPS_PER_DAY // 2, []).append(
            lambda: self._enter("second depositor", SECOND_DEPOSIT * self.unit)
        )
        plan.setdefault(max(1, round(count * _CAP_PART)), []).append(self._propose_cap)
        attempt = max(2, round(count * _CANCEL_PART))
        plan.setdefault(attempt, []).append(self._propose_fee)
        plan.setdefault(attempt + 1, []).append(self._cancel)
        return plan

    def _crowd(self, step: Step) -> None:
        """Borrowers, traders and price oracles do what the story says."""
        for name, target in step.utilisation_wad.items():
            {"aave": market.set_aave_utilisation, "morpho": market.set_morpho_utilisation}[name](self.web3, target)
        if step.ether_wad is not None:
            wanted = self.price * step.ether_wad // WAD
            market.keep_pools_near(self.web3, wanted)
            self.ether_usd = wanted * step.usdc_usd // WAD  # 8 decimals
        self.chain.pass_until(self.story.started_at + step.elapsed - _FEED_LEAD_SECONDS)
        if step.usdc_usd is not None:
            market.push_prices(self.web3, eth_usd=self.ether_usd, usdc_usd=step.usdc_usd)
        else:
            market.push_round(self.web3, ETH_USD_FEED, self.ether_usd)

    def _sample(self) -> Observation:
        found = self.observer.read()
        self.story.samples.append(found)
        self.watcher.see(self.story)
        return found

    def _tell(self, who: str, text: str) -> None:
        now = self.chain.time()
        self.story.events.append(Event(now, self.story.day(now), who, text))

    # Depositors

    def _enter(self, name: str, assets: int) -> None:
        account = actors.account(name)
        sender = KeySender(account)
        market.provide_usdc(self.web3, account.address, assets)
        for contract, call in (
            (self.asset, ("approve", [self.vault.address, assets])),
            (self.vault, ("deposit", [assets, account.address])),
        ):
            self._send(sender, contract, *call, what=f"{name}: {call[0]}")
        now = self.chain.time()
        shares = self.vault.functions.balanceOf(account.address).call()
        self.story.depositors.append(Depositor(name, account.address, assets, self.story.day(now), shares))
        self._tell(name, f"deposits {self.story.amount(assets)}")

    def _leave(self, name: str) -> None:
        who = next(each for each in self.story.depositors if each.name == name)
        before = self.asset.functions.balanceOf(who.address).call()
        shares = self.vault.functions.balanceOf(who.address).call()
        self._send(
            KeySender(actors.account(name)),
            self.vault,
            "redeem",
            [shares, who.address, who.address],
            what=f"{name}: redeem",
        )
        who.received = self.asset.functions.balanceOf(who.address).call() - before
        who.left_day = self.story.day(self.chain.time())
        self._tell(name, f"leaves with {self.story.amount(who.received, 2)}, {self.story.amount(who.gain, 2)} more")

    def _send(self, sender: KeySender, contract: Any, function: str, values: list[Any], *, what: str) -> Any:
        data = contract.encode_abi(function, args=values)
        return self.node.send(sender, contract.address, bytes.fromhex(data[2:]), what=what)

    # Custody

    def _propose_cap(self) -> None:
        """The Safe asks for a higher cap on the first venue."""
        first = self.router.functions.venues().call()[0]
        before = first.cap
        wanted = before * CAP_RAISE_PERCENT // 100
        call = Call(self.router.address, bytes.fromhex(self.router.encode_abi("setCap", args=[first.at, wanted])[2:]))
        identifier, operation = self.timelock.propose([call], self.safe_signers, KeySender(actors.account("anyone")))
        now = self.chain.time()
        delay = self.timelock.delay([call])
        self.pending = (identifier, operation, now + delay)
        self.story.cap = {
            "call": describe(self.at, call),
            "venue": self.strategy.venues[0].name,
            "before": before,
            "wanted": wanted,
            "after": None,
            "delay_seconds": delay,
            "proposed_at": now,
            "waited_seconds": 0,
        }
        raised = f"raise the cap of {self.strategy.venues[0].name} to {self.story.amount(wanted)}"
        self._tell("safe", f"proposes to {raised}; the timelock waits {delay / scenario.DAY:g} days")

    def _execute(self) -> None:
        _, operation, _ = self.pending
        self.pending = None
        self.timelock.execute(operation, KeySender(actors.account("anyone")))
        cap = self.story.cap
        cap["after"] = self.router.functions.venues().call()[0].cap
        cap["waited_seconds"] = self.chain.time() - cap["proposed_at"]
        self._tell("anyone", f"executes it: the cap of {cap['venue']} is {self.story.amount(cap['after'])}")

    def _propose_fee(self) -> None:
        """Somebody with the Safe's keys asks for the highest fees the vault allows, for themselves."""
        taker = actors.account("anyone").address
        data = self.vault.encode_abi("setFees", args=[5000, 500, taker])
        call = Call(self.vault.address, bytes.fromhex(data[2:]))
        identifier, _ = self.timelock.propose([call], self.safe_signers, KeySender(actors.account("anyone")))
        self.fee_operation = identifier
        fee = self.vault.functions.performanceFeeBps().call()
        self.story.cancelled = {"call": describe(self.at, call), "fee_before": fee, "state": "waiting"}
        self._tell("safe", "proposes a performance fee of 50 %, to an address nobody knows")

    def _cancel(self) -> None:
        self.timelock.cancel(
            self.fee_operation, self.at.guardian, self.guardian_signers, KeySender(actors.account("anyone"))
        )
        self.story.cancelled["state"] = self.timelock.state(self.fee_operation)
        self._tell("guardian", "cancels it while it waits")

    # The keeper

    def _note(self, cycle: Cycle) -> None:
        story = self.story
        story.cycles += 1
        stamp, base_fee = cycle.before.timestamp, cycle.before.base_fee
        for outcome in (*cycle.settled, *cycle.outcomes):
            if outcome.result is Result.IN_BAND:
                continue
            what = self._what(outcome.transaction) if outcome.transaction else {}
            price = story.samples[-1].ether_price_wad
            cost = outcome.cost * price * self.unit // WAD**2
            story.actions.append(
                Action(
                    stamp,
                    story.day(stamp),
                    outcome.contract.name,
                    outcome.result.value,
                    what.pop("text", "") or outcome.note,
                    transaction=outcome.transaction,
                    gas=outcome.gas,
                    cost_wei=outcome.cost if outcome.transaction else 0,
                    cost=cost if outcome.transaction else 0,
                    base_fee_wei=base_fee,
                    **what,
                )
            )

    def _what(self, transaction: str) -> dict[str, Any]:
        """Say what a transaction of the keeper did, from its logs."""
        receipt = self.web3.eth.get_transaction_receipt(transaction)
        story, words, kinds, moves, profit = self.story, [], [], [], 0

        def events(contract: Any, name: str) -> list[Any]:
            return [
                log.args
                for log in contract.events[name]().process_receipt(receipt, errors=DISCARD)
                if log.address == contract.address
            ]

        for log in events(self.vault, "Reported"):
            profit += log.profit
            kinds.append("report")
            result = f"{story.amount(log.loss, 2)} loss" if log.loss else f"{story.amount(log.profit, 2)} profit"
            words.append(f"reports {result}")
        for log in events(self.vault, "Allocated"):
            kinds.append("place" if log.assets > 0 else "take back")
            verb = "places" if log.assets > 0 else "takes back"
            words.append(f"{verb} {story.amount(abs(log.assets))}")
        for log in events(self.router, "Moved"):
            source, target = (self.venue_names[log[key].lower()] for key in ("from", "to"))
            moves.append(Move(source, target, log.assets, log.gain, log.cost))
            kinds.append("move")
            words.append(f"moves {story.amount(log.assets)} from {source} to {target}")
        if events(self.router, "Observed"):
            kinds.append("observe")
            words.append("observes" if words else "observes the markets")
        if not kinds and receipt["status"]:
            # the strategy says nothing when it only puts to work what was idle
            kinds, words = ["place"], ["puts idle assets to work"]
        return {"text": ", ".join(words), "kinds": tuple(kinds), "moves": tuple(moves), "profit": profit}

    # The end

    def _settle(self) -> None:
        story, last = self.story, self.story.samples[-1]
        for who in story.depositors:
            if who.left_day is None:
                shares = self.vault.functions.balanceOf(who.address).call()
                who.worth = self.vault.functions.convertToAssets(shares).call()
        shares = last.shares["fees"]
        story.fees = {
            "recipient": self.vault.functions.feeRecipient().call(),
            "performance_bps": self.vault.functions.performanceFeeBps().call(),
            "shares": shares,
            "worth": self.vault.functions.convertToAssets(shares).call(),
        }
        story.cancelled["fee_after"] = story.fees["performance_bps"]


def _start_price(chain: Chain) -> int:
    """USDC for one WETH at the start, WAD: where the pool stands."""
    return market.pool_price_wad(chain.web3, UNISWAP_V3_USDC_WETH_500)
