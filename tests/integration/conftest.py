"""The lending router and its actors, on the fork."""

from tests.router_kit import *
