"""The deployment file: what is to stand on a chain, and who is to rule it.

Amounts, shares and times carry their unit ("40_000_000 USDC", "10 %", "2 days") and become exact integers: units of the
asset, 1e4 or 1e18, seconds. Bounds repeat those of the contracts, so that a file is refused before anything is sent; a
test holds the two against each other.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from eth_utils import is_checksum_address, is_checksum_formatted_address, is_hex_address, to_checksum_address
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError, ValidationInfo

from ballast import units
from ballast.deployment.source import DeploymentFileError, Place, Source, read

ZERO_ADDRESS = "0x" + 40 * "0"
#: A Safe's owners form a list that begins here.
SENTINEL = "0x" + 39 * "0" + "1"
UNLIMITED = 2**128 - 1

HOUR, DAY = 3600, 86400
MIN_TIMELOCK_DELAY, MAX_TIMELOCK_DELAY = DAY, 30 * DAY
SET_OWNER = "setOwner(address)"
MAX_PERFORMANCE_FEE_BPS, MAX_MANAGEMENT_FEE_BPS = 5_000, 500
MIN_UNLOCK_PERIOD = HOUR
MIN_LOSS_WINDOW = HOUR
MIN_WINDOW = 12 * HOUR
MAX_UINT16, MAX_UINT24, MAX_UINT32 = 2**16 - 1, 2**24 - 1, 2**32 - 1
MIN_MARGIN_WAD = units.WAD // 2000
MAX_STRATEGIES, MAX_VENUES, MAX_RISKS = 10, 8, 16
#: names that a strategy cannot have
RESERVED = ("safe", "guardian", "timelock", "oracle", "vault", "books", "rules", "views", "lens", "redemptions")


# Every value in the file arrives as text; a mapping or list in its place is refused here.
def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("should be a single value, not a mapping or a list")
    if not value:
        raise ValueError("is empty")
    return value


def _parsed(
    parse: Callable[[str], int], lowest: int, highest: int, shown: Callable[[int], str] = str
) -> BeforeValidator:
    def check(value: Any) -> int:
        number = parse(_text(value))
        if number < lowest:
            raise ValueError(f"{value} is under the least allowed, {shown(lowest)}")
        if number > highest:
            raise ValueError(f"{value} is over the most allowed, {shown(highest)}")
        return number

    return BeforeValidator(check)


def _integer(lowest: int, highest: int = MAX_UINT32) -> Any:
    return Annotated[int, _parsed(units.parse_integer, lowest, highest)]


def _seconds(lowest: int, highest: int) -> Any:
    return Annotated[int, _parsed(units.parse_duration, lowest, highest, units.format_duration)]


def _bps(lowest: int, highest: int = units.BPS) -> Any:
    return Annotated[int, _parsed(units.parse_bps, lowest, highest, units.format_bps)]


def _address(value: Any) -> str:
    text = _text(value)
    if not is_hex_address(text) or not text.startswith("0x"):
        raise ValueError(f"{text} is no address: 0x and 40 hexadecimal digits")
    if text.lower() == ZERO_ADDRESS:
        raise ValueError("is the zero address")
    if is_checksum_address(text):
        return text
    if not is_checksum_formatted_address(text):
        raise ValueError(f"{text} has no checksum: write {to_checksum_address(text)} if that is the one you mean")
    raise ValueError(f"{text} does not match its checksum: a digit is wrong, or the case of a letter")


def _hash(value: Any) -> str:
    text = _text(value)
    if not re.fullmatch(r"0x[0-9a-fA-F]{64}", text):
        raise ValueError(f"{text} is no 32-byte id: 0x and 64 hexadecimal digits")
    return text.lower()


def _name(value: Any) -> str:
    text = _text(value)
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", text):
        raise ValueError(f"{text!r} is no name: a small letter, then small letters, digits and hyphens, 31 at most")
    return text


def _risk(value: Any) -> str:
    text = _text(value)
    size = len(text.encode())
    if size > 32:
        raise ValueError(f"{text!r} has {size} bytes, and a risk's id 32 at most")
    return text


def _flag(value: Any) -> bool:
    text = _text(value)
    if text not in ("yes", "no"):
        raise ValueError(f"{text!r} is neither yes nor no")
    return text == "yes"


def _signature(value: Any) -> str:
    text = _text(value)
    if not re.fullmatch(r"[A-Za-z_]\w*\([\w\[\](),]*\)", text):
        raise ValueError(f"{text!r} is no function: write its name and types, as in {SET_OWNER}")
    return text


def _amount(value: Any, info: ValidationInfo) -> int:
    text = _text(value)
    if text == "unlimited":
        return UNLIMITED
    token = info.context
    if token is None:  # the asset itself is wrong and is reported
        return 0
    amount = units.parse_amount(text, symbol=token.symbol, decimals=token.decimals)
    if amount >= UNLIMITED:
        raise ValueError(f"{text} is over the most allowed: write unlimited")
    return amount


Address = Annotated[str, BeforeValidator(_address)]
#: "safe" is the main Safe, whose address the file cannot know
Recipient = Annotated[str, BeforeValidator(lambda value: value if value == "safe" else _address(value))]
Hash = Annotated[str, BeforeValidator(_hash)]
Name = Annotated[str, BeforeValidator(_name)]
Risk = Annotated[str, BeforeValidator(_risk)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Signature = Annotated[str, BeforeValidator(_signature)]
Amount = Annotated[int, BeforeValidator(_amount)]
Text = Annotated[str, BeforeValidator(_text), Field(max_length=64)]


class Model(BaseModel):
    """Keys that are not known are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Wallet(Model):
    """A Safe: who signs, and how many must."""

    owners: list[Address] = Field(min_length=1)
    threshold: _integer(1)


class Timelock(Model):
    """What every loosening change waits for, and what some functions wait for longer."""

    delay: _seconds(MIN_TIMELOCK_DELAY, MAX_TIMELOCK_DELAY)
    delays: dict[Signature, _seconds(MIN_TIMELOCK_DELAY, MAX_TIMELOCK_DELAY)] = Field(default_factory=dict)

    def delay_of(self, function: str) -> int:
        """Return the seconds that a function waits."""
        return max(self.delay, self.delays.get(function, 0))


class Token(Model):
    """The asset; the chain's own symbol and decimals must agree."""

    address: Address
    symbol: Text
    decimals: _integer(0, 18)


class OracleModel(Model):
    """Two Chainlink feeds against a Uniswap v3 pool."""

    base: Address
    quote: Address
    base_feed: Address
    base_max_age: _seconds(1, MAX_UINT32)
    quote_feed: Address
    quote_max_age: _seconds(1, MAX_UINT32)
    pool: Address
    twap_period: _seconds(300, DAY)
    max_deviation: _bps(1, 1000)
    #: on a chain that has one: the feed of its sequencer's uptime, and how long to wait once it is back
    sequencer: Address | None = None
    sequencer_grace: _seconds(1, DAY) | None = None


class Vault(Model):
    """The vault's terms."""

    name: Text
    symbol: Text
    fee_recipient: Recipient
    performance_fee: _bps(0, MAX_PERFORMANCE_FEE_BPS)
    management_fee: _bps(0, MAX_MANAGEMENT_FEE_BPS)
    growth_cap: _bps(1, MAX_UINT16)
    unlock_period: _seconds(MIN_UNLOCK_PERIOD, MAX_UINT24)
    report_period: _seconds(1, MAX_UINT24)
    deposit_limit: Amount
    loss_budget: _bps(0)
    loss_window: _seconds(MIN_LOSS_WINDOW, MAX_UINT32)
    gate: Address | None = None


class RiskCap(Model):
    """What several strategies may fail from together, and how much they may hold."""

    id: Risk
    cap: Amount
    cap_share: _bps(0)


class AaveVenue(Model):
    """Lending on Aave v3."""

    name: Name
    kind: Literal["aave_v3"]
    addresses_provider: Address
    cap: Amount


class MorphoVenue(Model):
    """Lending on one Morpho Blue market."""

    name: Name
    kind: Literal["morpho_blue"]
    morpho: Address
    market: Hash
    cap: Amount


Venue = Annotated[AaveVenue | MorphoVenue, Field(discriminator="kind")]


class Rules(Model):
    """When the router may move (LendingRouter.Rules)."""

    margin: Annotated[int, _parsed(units.parse_wad, MIN_MARGIN_WAD, 2**64 - 1, units.format_wad)]
    window: _seconds(MIN_WINDOW, 30 * DAY)
    horizon: _seconds(1, 365 * DAY)
    gas_units: _integer(1)


class Listed(Model):
    """What the vault is told of a strategy."""

    name: Name
    cap: Amount
    cap_share: _bps(0)
    weight: _bps(0)
    band: _bps(1)
    volatile: Flag
    risks: list[Risk] = Field(default_factory=list)


class Router(Listed):
    """A lending router that the deployment makes."""

    kind: Literal["lending_router"]
    token_name: Text
    token_symbol: Text
    rules: Rules
    venues: list[Venue] = Field(min_length=1, max_length=MAX_VENUES)


class Standing(Listed):
    """An ERC-4626 strategy that stands already; who rules it is its own affair."""

    kind: Literal["erc4626"]
    address: Address


Strategy = Annotated[Router | Standing, Field(discriminator="kind")]


class DeploymentFile(Model):
    """A whole deployment; see deployments/mainnet.yaml for a commented example."""

    name: Name
    chain: _integer(1, 2**53)
    safe: Wallet
    guardian: Wallet
    timelock: Timelock
    asset: Token
    oracle: OracleModel
    vault: Vault
    risks: list[RiskCap] = Field(default_factory=list, max_length=MAX_RISKS)
    strategies: list[Strategy] = Field(min_length=1, max_length=MAX_STRATEGIES)

    _source: Source = PrivateAttr(default=None)

    @property
    def routers(self) -> Iterator[tuple[int, Router]]:
        """The strategies that the deployment makes, each with its place in the list."""
        return ((index, each) for index, each in enumerate(self.strategies) if isinstance(each, Router))

    @property
    def standing(self) -> Iterator[tuple[int, Standing]]:
        """The strategies that stand already, each with its place in the list."""
        return ((index, each) for index, each in enumerate(self.strategies) if isinstance(each, Standing))

    @property
    def path(self) -> Path:
        """The file this was read from."""
        return self._source.path

    def reason(self, place: Place, text: str) -> str:
        """Return `file:line: place: text`, for errors found later, on the chain."""
        return self._source.reason(place, text)

    def shown(self, units_of_asset: int) -> str:
        """Return an amount of the asset as text."""
        if units_of_asset == UNLIMITED:
            return "unlimited"
        return units.format_amount(units_of_asset, symbol=self.asset.symbol, decimals=self.asset.decimals)


def load(path: Path | str) -> DeploymentFile:
    """Read and check a deployment file.

    Parameters
    ----------
    path : a YAML file

    Returns
    -------
    DeploymentFile
        Exact integers: seconds, 1e4 or 1e18, units of the asset; checksummed addresses.

    Raises
    ------
    DeploymentFileError
        One line for each reason, with the file and the line.
    """
    source = read(Path(path))
    try:
        token = Token.model_validate(source.content.get("asset"))
    except ValidationError:
        token = None  # reported below, with the rest
    try:
        file = DeploymentFile.model_validate(source.content, context=token)
    except ValidationError as error:
        found = [(_place(item, source), _reason(item)) for item in error.errors()]
    else:
        found = list(_contradictions(file))
    if found:
        found.sort(key=lambda item: source.line(item[0]))
        raise DeploymentFileError([source.reason(*item) for item in found])
    file._source = source
    return file


def _place(error: dict[str, Any], source: Source) -> Place:
    """Return the place of an error; pydantic adds parts to its path that the file has not, as the kind of a venue."""
    location = [part for part in error["loc"] if part != "[key]"]
    place: Place = ()
    for index, part in enumerate(location):
        if (*place, part) in source.lines or index == len(location) - 1:
            place = (*place, part)
    return (*place, "kind") if error["type"] == "union_tag_invalid" else place


def _reason(error: dict[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return "is no known key"
    if kind in ("missing", "union_tag_not_found"):
        return "is missing" if kind == "missing" else "has no kind"
    if kind == "literal_error":
        return f"{error['input']!r} is not {context['expected']}"
    if kind == "union_tag_invalid":
        return f"{context['tag']!r} is no known kind: {context['expected_tags']}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "should be a mapping of keys to values"
    if kind == "list_type":
        return "should be a list"
    if kind in ("too_short", "too_long"):
        bound = f"at least {context['min_length']}" if kind == "too_short" else f"at most {context['max_length']}"
        return f"holds {context['actual_length']}, but should hold {bound}"
    return error["msg"]


def _contradictions(file: DeploymentFile) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong though every value alone is right."""
    for key, wallet in (("safe", file.safe), ("guardian", file.guardian)):
        for index, owner in enumerate(wallet.owners):
            if owner in wallet.owners[:index]:
                yield (key, "owners", index), f"{owner} is an owner already"
            if owner == SENTINEL:
                yield (key, "owners", index), f"{owner} cannot own a Safe"
        if wallet.threshold > len(set(wallet.owners)):
            yield (
                (key, "threshold"),
                f"{wallet.threshold} signatures of {len(set(wallet.owners))} owners: can never act",
            )

    # Whoever has stolen the Safe's keys must not be able to keep the guardian from cancelling.
    apart = set(file.guardian.owners) - set(file.safe.owners)
    if len(apart) < file.guardian.threshold <= len(set(file.guardian.owners)):
        yield (
            ("guardian", "owners"),
            f"only {len(apart)} of them do not own the Safe, and {file.guardian.threshold} must sign: "
            "the guardian has to be able to cancel without the Safe's owners",
        )

    if file.oracle.base == file.oracle.quote:
        yield ("oracle", "quote"), "is the base token too"
    if file.oracle.quote != file.asset.address:
        yield ("oracle", "quote"), f"the price has to be in {file.asset.symbol}, {file.asset.address}"

    for key, other in (("sequencer", "sequencer_grace"), ("sequencer_grace", "sequencer")):
        if getattr(file.oracle, key) is not None and getattr(file.oracle, other) is None:
            yield ("oracle", key), f"goes with {other}: give both, or neither"

    longest = max(file.timelock.delays, key=file.timelock.delay_of, default=SET_OWNER)
    for function, delay in file.timelock.delays.items():
        if delay < file.timelock.delay:
            reason = f"{units.format_duration(delay)} is under the delay of all, "
            yield ("timelock", "delays", function), reason + units.format_duration(file.timelock.delay)
    if file.timelock.delay_of(SET_OWNER) < file.timelock.delay_of(longest):
        yield (
            ("timelock", "delays"),
            f"{SET_OWNER} waits {units.format_duration(file.timelock.delay_of(SET_OWNER))}, {longest} "
            f"{units.format_duration(file.timelock.delay_of(longest))}: a new owner would not wait at all",
        )

    yield from _risks(file)
    yield from _names_twice(("strategies",), file.strategies)
    total = 0
    for index, strategy in enumerate(file.strategies):
        place = ("strategies", index)
        if strategy.name in RESERVED:
            yield (*place, "name"), f"{strategy.name} is a name of the deployment's own"
        total += strategy.weight
        if total > units.BPS and total - strategy.weight <= units.BPS:
            yield (*place, "weight"), f"the weights up to here are {units.format_bps(total)} together, over 100 %"
        if strategy.weight > strategy.cap_share:
            yield (*place, "weight"), f"{units.format_bps(strategy.weight)} is over its cap_share: never reached"
        if strategy.band >= strategy.weight > 0:
            reason = (
                f"a band of {units.format_bps(strategy.band)} around a weight of {units.format_bps(strategy.weight)}"
            )
            yield (*place, "band"), f"{reason} reaches down to nothing: the strategy would never be filled"
    seats: dict[str, str] = {}
    for index, strategy in file.standing:
        if strategy.address in seats:
            yield ("strategies", index, "address"), f"is the same contract as {seats[strategy.address]}"
        seats[strategy.address] = strategy.name
    for index, strategy in file.routers:
        place = ("strategies", index)
        yield from _names_twice((*place, "venues"), strategy.venues)
        seen: dict[tuple, str] = {}
        for number, venue in enumerate(strategy.venues):
            market = tuple(value for key, value in venue if key not in ("name", "cap"))
            if market in seen:
                yield (*place, "venues", number), f"is the same market as {seen[market]}"
            seen[market] = venue.name


def _risks(file: DeploymentFile) -> Iterator[tuple[Place, str]]:
    known: set[str] = set()
    for index, risk in enumerate(file.risks):
        if risk.id in known:
            yield ("risks", index, "id"), f"{risk.id} stands here twice"
        known.add(risk.id)
        weight = sum(strategy.weight for strategy in file.strategies if risk.id in strategy.risks)
        if weight > risk.cap_share:
            reason = f"the strategies that bear {risk.id} have a weight of {units.format_bps(weight)} together"
            yield ("risks", index, "cap_share"), f"{reason}: never reached"
    for index, strategy in enumerate(file.strategies):
        for number, identifier in enumerate(strategy.risks):
            if identifier not in known:
                yield ("strategies", index, "risks", number), f"{identifier} has no cap under risks"
            if identifier in strategy.risks[:number]:
                yield ("strategies", index, "risks", number), f"{identifier} stands here twice"


def _names_twice(place: Place, items: list[Any]) -> Iterator[tuple[Place, str]]:
    for index, item in enumerate(items):
        if item.name in [other.name for other in items[:index]]:
            yield (*place, index, "name"), f"{item.name} stands here twice"
