"""The copy that defences are taken from is the vault: what attacks succeed by is the missing defence, not the copy."""

import pytest

from tests.attacks.test_donation import double_the_price
from tests.attacks.test_fees import charge_a_recovery
from tests.attacks.test_flash_deposit import push_all_into_one_strategy
from tests.attacks.test_in_kind import take_unreported_profit
from tests.attacks.test_loss_dodging import run_for_the_door
from tests.attacks.test_redemptions import wait_with_a_crumb
from tests.attacks.test_stale_price import buy_after_booking_a_pushed_price

ATTACKS = (
    double_the_price,
    charge_a_recovery,
    push_all_into_one_strategy,
    take_unreported_profit,
    run_for_the_door,
    wait_with_a_crumb,
    buy_after_booking_a_pushed_price,
)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_weakened_copy__is_the_vault_while_all_its_defences_are_on(without, attack):
    assert attack(without()) <= 0
