"""The chain in this process: revm by way of pyrevm.

What pyrevm leaves to its user, and is done here:

- It never ends a transaction. Transient storage is cleared before each call, also because going back to a snapshot
  brings it back: what was said in one transaction would be heard in the next. Access lists stay warm, so gas is lower
  than on mainnet: nothing here asserts gas.
- Snapshots nest, and each one left behind deepens every later call, up to the limit of 1,024: going back to one undoes
  those above it, one by one.
- A revert's data are in the text of the exception only.
"""

import json
from pathlib import Path
from typing import Any

from eth_utils import to_checksum_address
from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env

from ballast.fuzz.chain import GAS, Chain, FuzzError, Log, Reverted

#: the hardfork that the contracts are compiled for
SPEC = "CANCUN"
NOBODY = "0x" + "00" * 20
_OUTPUT = "output: 0x"


class Revm(Chain):
    """A chain of its own, in memory."""

    def __init__(self, evm: EVM | None = None, *, now: int = 1_750_000_000, block: int = 1) -> None:
        super().__init__()
        self._evm = evm or EVM(env=Env(cfg=CfgEnv(chain_id=1)), gas_limit=GAS, spec_id=SPEC)
        self._snapshots: list[tuple[Any, int, int]] = []
        self.now = now
        self.block = block
        self._set_block()

    @classmethod
    def from_state(cls, path: Path) -> "Revm":
        """Load the state that anvil dumped: the replica's."""
        try:
            state = json.loads(path.read_text())
            accounts, head = state["accounts"], state["block"]
            chain = cls(now=int(str(head["timestamp"]), 0), block=int(str(head["number"]), 0))
        except (OSError, ValueError, KeyError) as error:
            raise FuzzError(f"{path.name} holds no state of anvil's: `make setup` builds the replica's") from error
        evm = chain._evm
        for address, account in accounts.items():
            code = bytes.fromhex(account["code"][2:])
            info = AccountInfo(balance=int(account["balance"], 16), nonce=account["nonce"], code=code or None)
            evm.insert_account_info(address, info)
            for slot, value in account["storage"].items():
                evm.insert_account_storage(address, int(slot, 16), int(value, 16))
        return chain

    @classmethod
    def fork(cls, url: str, block: int, now: int) -> "Revm":
        """Fork the node at `url` at `block`, whose time is `now`. What is read is read once."""
        try:
            env = Env(cfg=CfgEnv(chain_id=1))
            evm = EVM(env=env, fork_url=url, fork_block=hex(block), gas_limit=GAS, spec_id=SPEC)
        except Exception as error:  # pyrevm panics where the node is gone
            raise FuzzError("the upstream does not answer: is it running, is its URL right?") from error
        return cls(evm, now=now, block=block)

    def _set_block(self) -> None:
        self._evm.set_block_env(BlockEnv(number=self.block, timestamp=self.now, gas_limit=GAS))

    def send(self, to: str, data: bytes, sender: str) -> bytes:
        self.block += 1
        self._set_block()
        self._evm.reset_transient_storage()
        try:
            return self._evm.message_call(sender, to, calldata=data)
        except RuntimeError as error:
            raise self._failure(error) from None

    def view(self, to: str, data: bytes) -> bytes:
        self._evm.reset_transient_storage()
        try:
            return self._evm.message_call(NOBODY, to, calldata=data, is_static=True)
        except RuntimeError as error:
            raise self._failure(error) from None

    def create(self, code: bytes, sender: str) -> str:
        self.block += 1
        self._set_block()
        self._evm.reset_transient_storage()
        try:
            return to_checksum_address(self._evm.deploy(sender, code))
        except RuntimeError as error:
            raise self._failure(error) from None

    def _failure(self, error: RuntimeError) -> Reverted:
        text = str(error)
        at = text.rfind(_OUTPUT)
        if text.startswith("Revert") and at > 0:
            return self.reverted(bytes.fromhex(text[at + len(_OUTPUT) :].split(" ", 1)[0].rstrip("}")))
        if text.startswith("Halt"):
            return Reverted("Halt", (text.split("reason: ")[1].split(",")[0],))
        raise FuzzError(f"revm: {' '.join(text.split())[:200]}") from error

    def logs(self) -> list[Log]:
        result = self._evm.result
        if result is None:
            return []
        return [Log(to_checksum_address(log.address), *map(_plain, log.data)) for log in result.logs]

    def gas(self) -> int:
        result = self._evm.result
        return result.gas_used if result else 0

    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.block += 1
        self._set_block()

    def snapshot(self) -> int:
        self._snapshots.append((self._evm.snapshot(), self.now, self.block))
        return len(self._snapshots) - 1

    def restore(self, snapshot: int) -> None:
        if snapshot >= len(self._snapshots):
            raise FuzzError(f"snapshot {snapshot} is forgotten")
        while len(self._snapshots) > snapshot:
            checkpoint, self.now, self.block = self._snapshots.pop()
            self._evm.revert(checkpoint)
        self._set_block()

    def storage(self, address: str, slot: int) -> int:
        return self._evm.storage(address, slot)

    def set_storage(self, address: str, slot: int, value: int) -> None:
        self._evm.basic(address)  # loaded, so that the write is undone by a snapshot
        self._evm.insert_account_storage(address, slot, value)

    def set_balance(self, address: str, wei: int) -> None:
        self._evm.set_balance(address, wei)

    def code(self, address: str) -> bytes:
        return self._evm.get_code(address) or b""


def _plain(part: Any) -> Any:
    return [bytes(each) for each in part] if isinstance(part, list) else bytes(part)
