"""Who acts in a machine, by what they do."""

from typing import Final

from eth_utils import keccak, to_checksum_address


def actor(name: str) -> str:
    """Return the address of an actor: the same on every chain, with no key that anyone knows."""
    return to_checksum_address(keccak(text=f"ballast fuzz {name}")[-20:])


OWNER: Final = actor("owner")
GUARDIAN: Final = actor("guardian")
CURATOR: Final = actor("curator")
FEE_RECIPIENT: Final = actor("fee recipient")
KEEPER: Final = actor("keeper")
STRANGER: Final = actor("stranger")
DONOR: Final = actor("donor")
DEPOSITORS: Final = tuple(actor(f"depositor {number}") for number in range(3))
