"""The bureau sets its own numbers: known names, sensible values, each with its source."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.catalogue import Setting
from models.vocabulary import Role
from scheduler.callers import Caller, require
from scheduler.journal import note
from scheduler.policy import NAMES, Policy
from scheduler.refusals import Code, Refusal, refuse
from scheduler.typed import refuse_any, why_not_between, why_not_text

# Both inside. A round of a fee beyond these would be a slip of the keyboard, and so would a year of silence.
DEAREST_FEN = 10_000_000
BOUNDS: Mapping[str, tuple[float, float]] = {
    "road_factor": (1, 5),
    # At no price to be left out nobody would ever get a place.
    "unplaced_fen": (1, DEAREST_FEN),
    "publish_lead_days": (0, 120),
    "consent_working_days": (1, 60),
    "consent_remind_working_days": (1, 30),
    "promise_working_days": (1, 60),
    "promise_remind_working_days": (1, 30),
    "roster_freeze_days": (0, 30),
    "result_working_days": (1, 120),
    "decision_working_days": (1, 250),
    "renewal_ahead_days": (30, 730),
    "next_subject_days": (1, 365),
    "hold_minutes": (1, 240),
    "most_share_percent": (1, 100),
    "offer_working_hours": (1, 80),
    "most_passes": (0, 20),
    "ranked_window_days": (0, 60),
    "most_changes": (0, 20),
    "confirm_days": (1, 60),
    "postpone_notice_days": (0, 30),
    "move_km": (1, 500),
    "move_days": (0, 365),
    "attendance_days": (0, 30),
}
# Fees and the road factor may have fractions; days, minutes and substitutions are whole.
FRACTIONS = {"road_factor", "unplaced_fen"}


@dataclass(frozen=True, slots=True)
class PolicyNumber:
    """A number of the bureau's policy with its unit and source."""

    name: str
    value: float
    unit: str
    source: str


async def numbers_of(db: AsyncSession, bureau_id: int | None) -> list[PolicyNumber]:
    """Every number of a bureau's policy: its own where it has set one, else the default; without a bureau, defaults."""
    rows = (await db.exec(select(Setting).where(col(Setting.bureau_id) == bureau_id))).all()
    own = {row.name: row for row in rows}
    return [
        PolicyNumber(
            name=each.name,
            value=own[each.name].value if each.name in own else float(each.default),  # type: ignore[arg-type]
            unit=each.metadata["unit"],
            source=own[each.name].source if each.name in own else each.metadata["source"],
        )
        for each in fields(Policy)
    ]


async def set_policy(db: AsyncSession, name: str, value: float, source: str, *, caller: Caller) -> PolicyNumber:
    """
    Set one number of the caller's bureau.

    Raises:
        Refused: BAD_INPUT for an unknown name, listing those known; OUT_OF_RANGE for a value that makes no sense.
    """
    require(caller, Role.BUREAU)
    if name not in NAMES:
        known = ", ".join(NAMES)
        raise refuse(Code.BAD_INPUT, f"No number has this name; these are known: {known}.", "input", "name")
    refuse_any(why_not_value(name, value), why_not_text(source, "input", "source"))
    bureau_id = caller.jurisdiction_id or 0
    standing = select(Setting).where(col(Setting.bureau_id) == bureau_id, col(Setting.name) == name)
    setting = (await db.exec(standing.with_for_update())).one_or_none()
    before = setting.value if setting else None
    if setting is None:
        setting = Setting(bureau_id=bureau_id, name=name, value=value, source=source.strip())
        db.add(setting)
    else:
        setting.value, setting.source = value, source.strip()
    await db.flush()
    await note(db, "policy set", "setting", setting.id, name=name, before=before, value=value, source=source.strip())
    return next(number for number in await numbers_of(db, bureau_id) if number.name == name)


def why_not_value(name: str, value: float) -> Refusal | None:
    """The value lies within the bounds of its name, and is whole where only whole ones make sense."""
    least, most = BOUNDS.get(name, (0, DEAREST_FEN))
    if reason := why_not_between(value, least, most, "input", "value"):
        return reason
    if name in BOUNDS and name not in FRACTIONS and value != int(value):
        return Refusal(Code.OUT_OF_RANGE, "Give a whole number.", ("input", "value"))
    return None
