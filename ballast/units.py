"""Quantities as people write them, as exact integers.

Parsing functions take text and raise ValueError with a reason fit for a reader; formatting functions are their inverse.
"""

import re
from decimal import Decimal
from fractions import Fraction

BPS = 10**4
WAD = 10**18

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400, "year": 365 * 86400}


def parse_integer(text: str) -> int:
    """Return a whole number written in digits; underscores between them are allowed.

    >>> parse_integer("900_000")
    900000
    """
    if not re.fullmatch(r"\d+(_\d+)*", text):
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def parse_duration(text: str) -> int:
    """Return seconds.

    >>> parse_duration("2 days"), parse_duration("1.5 hours")
    (172800, 5400)
    """
    match = re.fullmatch(r"([\d_.]+)\s+([a-z]+?)s?", text)
    if not match or match[2] not in _SECONDS:
        raise ValueError(f"{text!r} is no duration: write it as '2 days', with one of {', '.join(_SECONDS)}")
    return _whole(_number(match[1], text) * _SECONDS[match[2]], text, "seconds")


def parse_bps(text: str) -> int:
    """Return a share in 1e4.

    >>> parse_bps("10 %"), parse_bps("0.05%"), parse_bps("25 bps")
    (1000, 5, 25)
    """
    return _whole(_fraction(text) * BPS, text, "hundredths of a percent")


def parse_wad(text: str) -> int:
    """Return a share in 1e18.

    >>> parse_wad("0.5 %")
    5000000000000000
    """
    return _whole(_fraction(text) * WAD, text, "1e-18")


def parse_amount(text: str, *, symbol: str, decimals: int) -> int:
    """Return an amount of a token in its smallest unit. The token must be named, so that units cannot be mistaken.

    >>> parse_amount("1_000.5 USDC", symbol="USDC", decimals=6)
    1000500000
    """
    match = re.fullmatch(r"([\d_.]+)\s+(\S+)", text)
    if not match:
        raise ValueError(f"{text!r} is no amount: write it as '1_000_000 {symbol}'")
    if match[2] != symbol:
        raise ValueError(f"{text!r} is in {match[2]}, but the token is {symbol}")
    return _whole(_number(match[1], text) * 10**decimals, text, f"units of 1e-{decimals} {symbol}")


def format_duration(seconds: int) -> str:
    """Return the largest unit that divides it.

    >>> format_duration(172800), format_duration(90)
    ('2 days', '90 seconds')
    """
    for name in ("day", "hour", "minute"):
        if seconds and seconds % _SECONDS[name] == 0:
            return _count(seconds // _SECONDS[name], name)
    return _count(seconds, "second")


def format_bps(bps: int) -> str:
    """Return a percentage.

    >>> format_bps(1000), format_bps(5)
    ('10 %', '0.05 %')
    """
    return f"{_plain(Decimal(bps) / 100)} %"


def format_wad(wad: int) -> str:
    """Return a percentage.

    >>> format_wad(5 * 10**15)
    '0.5 %'
    """
    return f"{_plain(Decimal(wad).scaleb(-16))} %"


def format_amount(units: int, *, symbol: str, decimals: int) -> str:
    """Return an amount with its token; exact.

    >>> format_amount(1_000_500_000, symbol="USDC", decimals=6)
    '1_000.5 USDC'
    """
    whole, part = divmod(units, 10**decimals)
    fraction = f".{part:0{decimals}d}".rstrip("0").rstrip(".") if part else ""
    return f"{whole:_}{fraction} {symbol}"


def _fraction(text: str) -> Fraction:
    match = re.fullmatch(r"([\d_.]+)\s*(%|bps)", text)
    if not match:
        raise ValueError(f"{text!r} is no share: write it as '10 %' or '25 bps'")
    return _number(match[1], text) / (100 if match[2] == "%" else BPS)


def _number(digits: str, text: str) -> Fraction:
    try:
        return Fraction(digits)
    except ValueError:
        raise ValueError(f"{text!r} holds no number") from None


def _whole(value: Fraction, text: str, unit: str) -> int:
    if value != int(value):
        raise ValueError(f"{text!r} is no whole number of {unit}")
    return int(value)


def _count(number: int, name: str) -> str:
    return f"{number} {name}" + ("" if number == 1 else "s")


def _plain(value: Decimal) -> str:
    return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
