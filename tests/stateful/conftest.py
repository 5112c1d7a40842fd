"""The vault and its actors."""

from tests.vault_kit import *
