"""Shares over the tiers, corrupted."""

from tests.scheduler.corruption import Corruption, also, moved

SHARES = [
    Corruption(
        "half-days-add-up", ["UPDATE staff_grant SET gone_back = 1 WHERE id = {office_half_days}"],
        "staff_grant", "town_half_days", "3 of 5 granted on, 2 in shares below, 0 gone back",
    ),
    Corruption(
        "half-days-go-down", ["UPDATE staff_grant SET month = '2026-06-01' WHERE id = {office_half_days}"],
        "staff_grant", "office_half_days", "of item {item} in 2026-06-01 to {office} below {town}, out of {town}",
    ),
    Corruption(
        "shares-add-up", ["UPDATE session SET shared = 4 WHERE id = {shared}"],
        "session", "shared", "4 shared, 3 unused",
    ),
    Corruption(
        "shares-add-up",
        ["UPDATE place_grant SET given = given + 1, granted_on = granted_on + 1 WHERE id = {town_share}"],
        "place_grant", "town_share", "4 granted on, 3 in shares below",
    ),
    Corruption(
        "shares-go-down", ["UPDATE place_grant SET until = until + interval '1 day' WHERE id = {office_share}"],
        "place_grant", "office_share", "to {office} below {town}, out of {town} until 2026-04-21 00:30:00+00",
    ),
    Corruption(
        "drawn-are-held-or-booked", ["UPDATE booking SET grant_id = NULL WHERE grant_id = {office_share}"],
        "place_grant", "office_share", "2 drawn, 1 held or booked",
    ),
    Corruption(
        "drawn-are-held-or-booked", ["UPDATE enterprise SET office_id = {elsewhere} WHERE id = {enterprise}"],
        "place_grant", "office_share", "by firm {enterprise} of office {elsewhere}",
        also("tier-is-lowest-cover", "needed-consents-given"),
    ),
    Corruption(
        "drawn-are-held-or-booked", ["UPDATE hold SET people = 1, state = 'USED' WHERE id = {drawing}",
                                     "UPDATE session SET held = 0 WHERE id = {shared}",
                                     moved("hold", "{drawing}", "HELD", "USED")],
        "hold", "drawing", "USED, 1 drawn, 1 of 1 named",
    ),
]  # fmt: skip
