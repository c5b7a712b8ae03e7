"""The bureau's own numbers: weights of the allocation, lead days, deadlines. Rows override these defaults."""

from dataclasses import dataclass, field, fields, replace

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.catalogue import Setting

ASSUMED = "planning assumption of the bureau"


def number(default: float, unit: str, source: str = ASSUMED) -> float:
    """A field of the policy: its default, its unit, and where the number comes from."""
    value: float = field(default=default, metadata={"unit": unit, "source": source})
    return value


@dataclass(frozen=True, slots=True)
class Policy:
    """Every number that a bureau may set for itself; the metadata of each field holds its unit and source."""

    person_km_fen: float = number(150, "fen per person and km")
    road_factor: float = number(1.35, "road km per km as the crow flies")
    office_tier_fen: float = number(0, "fen per session")
    town_tier_fen: float = number(20_000, "fen per session")
    bureau_tier_fen: float = number(60_000, "fen per session")
    wait_fen: float = number(300, "fen per person and day of waiting")
    unplaced_fen: float = number(60_000, "fen per person left without a place")
    change_fen: float = number(20_000, "fen per person moved by a re-plan")
    publish_lead_days: float = number(10, "days", "exam plans are public at least 10 days ahead (found locally)")
    consent_working_days: float = number(3, "working days")
    consent_remind_working_days: float = number(
        1, "working days before an answer is due, on whose morning it is reminded"
    )
    promise_working_days: float = number(5, "working days after publication")
    promise_remind_working_days: float = number(
        1, "working days before promised places are released, on whose morning their firm is reminded to name people"
    )
    roster_freeze_days: float = number(2, "days before the session")
    result_working_days: float = number(20, "working days", "professional belief")
    decision_working_days: float = number(25, "working days", "5 to accept, 20 to decide (found)")
    renewal_ahead_days: float = number(180, "days before expiry")
    next_subject_days: float = number(90, "days in which to sit the next subject")
    hold_minutes: float = number(15, "minutes in which chosen places are named")
    most_share_percent: float = number(40, "percent of a session's places that one firm may take of the open ones")
    offer_working_hours: float = number(4, "working hours in which offered places are named")
    most_passes: float = number(3, "times that smaller groups may pass a waiting one before places are kept for it")
    ranked_window_days: float = number(
        0, "days after publication in which open places are applied for, to be ranked; 0 opens them first come"
    )
    most_changes: float = number(3, "substitutions per booking")
    confirm_days: float = number(3, "days before a session at which one below the minimum class is decided on")
    postpone_notice_days: float = number(1, "days before the freeze at which a new day is told at the latest")
    move_km: float = number(30, "road km from the firm that the organiser moves its people at most")
    move_days: float = number(30, "days after a lost session within which the organiser moves its people")
    attendance_days: float = number(3, "days after the session in which attendance may be marked")


NAMES = tuple(f.name for f in fields(Policy))


async def policy_of(db: AsyncSession, bureau_id: int) -> Policy:
    """The bureau's policy: its own rows over the defaults."""
    own = select(col(Setting.name), col(Setting.value)).where(col(Setting.bureau_id) == bureau_id)
    rows = (await db.exec(own)).all()
    return replace(Policy(), **{name: value for name, value in rows if name in NAMES})
