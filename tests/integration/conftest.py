"""The lending router and its actors, on the fork."""

import pytest

from tests.router_kit import *


@pytest.fixture(scope="module")
def vault_code(project, owner):
    """What vaults run on their own storage: their books, their rules, their views."""
    return tuple(owner.deploy(part) for part in (project.VaultBooks, project.VaultRules, project.VaultViews))
