"""The demo: a vault with its custody on a chain of its own, thirty days of borrowers, prices and keeping, a report."""

from ballast.demo.commands import play
from ballast.demo.errors import DemoError
from ballast.demo.story import Story

__all__ = ["DemoError", "Story", "play"]
