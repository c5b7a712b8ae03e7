"""Revising an item's rule in a bureau: a new version from a day on, each changed number with source and confidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.catalogue import Exam, ExamRule, Item, ItemRule
from models.places import Site, SiteOffer
from models.vocabulary import Confidence, Education, Role, Subject
from scheduler.calendar import SHANGHAI
from scheduler.callers import Caller, require
from scheduler.catalogue import order_of_precedence, rules_for
from scheduler.journal import note
from scheduler.refusals import Code, Refusal, not_found, refuse
from scheduler.typed import refuse_any, why_not_between, why_not_text

Value = int | Education


class RuleField(StrEnum):
    """A number of a rule; its value is the column's name."""

    VALID_YEARS = "valid_years"
    LEAST_AGE = "least_age"
    MOST_AGE = "most_age"
    RENEWAL_MOST_AGE = "renewal_most_age"
    RENEWAL_LEAD_MONTHS = "renewal_lead_months"
    LEAST_EDUCATION = "least_education"
    LEAST_YEARS_OF_WORK = "least_years_of_work"
    RETAKES = "retakes"
    RETAKE_WINDOW_MONTHS = "retake_window_months"
    FULL_MARK = "full_mark"
    PASS_MARK = "pass_mark"  # noqa: S105  # a mark, not a password
    MINUTES_A_CANDIDATE = "minutes_a_candidate"
    STAFF = "staff"
    LEAST_PEOPLE = "least_people"


# The bounds of good sense, both inside; the tables check most of them again.
BOUNDS: Mapping[RuleField, tuple[int, int]] = {
    RuleField.VALID_YEARS: (1, 20),
    RuleField.LEAST_AGE: (14, 100),
    RuleField.MOST_AGE: (14, 100),
    RuleField.RENEWAL_MOST_AGE: (14, 100),
    RuleField.RENEWAL_LEAD_MONTHS: (0, 24),
    RuleField.LEAST_YEARS_OF_WORK: (0, 50),
    RuleField.RETAKES: (0, 5),
    RuleField.RETAKE_WINDOW_MONTHS: (0, 24),
    RuleField.FULL_MARK: (1, 100),
    RuleField.PASS_MARK: (1, 100),
    RuleField.MINUTES_A_CANDIDATE: (1, 480),
    RuleField.STAFF: (1, 20),
    RuleField.LEAST_PEOPLE: (0, 1000),
}
OF_SUBJECT = frozenset(
    (
        RuleField.FULL_MARK,
        RuleField.PASS_MARK,
        RuleField.MINUTES_A_CANDIDATE,
        RuleField.STAFF,
        RuleField.LEAST_PEOPLE,
    )
)
ITEM_COLUMNS = tuple(each.value for each in RuleField if each not in OF_SUBJECT)
SUBJECT_COLUMNS = tuple(each.value for each in RuleField if each in OF_SUBJECT)


@dataclass(frozen=True, slots=True)
class Change:
    """One number that is to change: `subject` for those of an exam, `education` instead of `number` for schooling."""

    field: RuleField
    source: str
    confidence: Confidence
    subject: Subject | None = None
    number: int | None = None
    education: Education | None = None

    @property
    def name(self) -> str:
        """The field's name in a rule's provenance, such as `THEORY.pass_mark`."""
        return f"{self.subject.value}.{self.field.value}" if self.subject else self.field.value

    @property
    def value(self) -> Value | None:
        """What is to stand there."""
        return self.education if self.field is RuleField.LEAST_EDUCATION else self.number


@dataclass(frozen=True, slots=True)
class RevisionOrder:
    """A new version of an item's rule: what the version before it says, with these changes."""

    item_id: int
    in_force_from: date
    changes: tuple[Change, ...]


async def revise_rule(db: AsyncSession, order: RevisionOrder, *, caller: Caller, now: datetime) -> Item:
    """
    Let a changed rule be in force in the caller's bureau from tomorrow or later; results until then keep theirs.

    Raises:
        Refused: The day is over, has begun or is taken, or a number makes no sense; each reason names its field.
    """
    require(caller, Role.BUREAU)
    item = (await db.exec(select(Item).where(col(Item.id) == order.item_id).with_for_update())).one_or_none()
    if item is None:
        raise not_found("item", "input", "itemId")
    refuse_past(order.in_force_from, today=now.astimezone(SHANGHAI).date())
    before = await version_before(db, item, order.in_force_from, bureau_id=caller.tenant)
    exam_rules = await exam_rules_of(db, before)
    refuse_any(*(reason for at, change in enumerate(order.changes) for reason in why_not_change(change, at)))
    refuse_any(
        *(why_not_subject(change, at, exam_rules) for at, change in enumerate(order.changes)), why_not_none(order)
    )
    largest = await largest_offers(db, [rule.exam_id for rule in exam_rules.values()], caller=caller)
    refuse_any(*(why_not_class(change, at, exam_rules, largest) for at, change in enumerate(order.changes)))

    revised = ItemRule(
        item_id=item.id,
        bureau_id=caller.tenant,
        in_force_from=order.in_force_from,
        provenance=before.provenance | {change.name: stated(change) for change in order.changes},
        **with_changes(before, ITEM_COLUMNS, [change for change in order.changes if change.subject is None]),
    )
    subjects = {
        subject: with_changes(rule, SUBJECT_COLUMNS, [change for change in order.changes if change.subject is subject])
        for subject, rule in exam_rules.items()
    }
    refuse_any(why_not_ages(revised), *(why_not_marks(subject, marks) for subject, marks in subjects.items()))
    db.add(revised)
    await db.flush()
    db.add_all(
        ExamRule(rule_id=revised.id, exam_id=exam_rules[subject].exam_id, **numbers)
        for subject, numbers in subjects.items()
    )
    await db.flush()
    changes = {change.name: change.value for change in order.changes}
    from_day = order.in_force_from.isoformat()
    await note(db, "rule revised", "item_rule", revised.id, item=item.id, in_force_from=from_day, changes=changes)
    return item


def refuse_past(day: date, *, today: date) -> None:
    """
    Make sure that nothing that was judged already would have been judged otherwise; today's sessions may have been.

    Raises:
        Refused: WINDOW_PAST.
    """
    if day <= today:
        first = today + timedelta(days=1)
        message = f"Results until today stand: let the rule be in force from {first} or a later day on."
        raise refuse(Code.WINDOW_PAST, message, "input", "inForceFrom")


async def version_before(db: AsyncSession, item: Item, day: date, *, bureau_id: int | None) -> ItemRule:
    """
    The version that the new one follows: the bureau's own, or the common one where it has none yet.

    Raises:
        Refused: ALREADY_KNOWN where an own version begins on the very day; NOT_FOUND where there is none before it.
    """
    versions = select(ItemRule).where(
        col(ItemRule.item_id) == item.id, rules_for(bureau_id), col(ItemRule.in_force_from) <= day
    )
    begun = (await db.exec(versions.order_by(*order_of_precedence()))).all()
    latest = begun[-1] if begun else None
    if latest is None:
        raise refuse(Code.NOT_FOUND, "No version is in force before that day to begin from.", "input", "inForceFrom")
    if latest.bureau_id is not None and latest.in_force_from == day:
        message = f"A version of yours is in force from {day} already: choose another day."
        raise refuse(Code.ALREADY_KNOWN, message, "input", "inForceFrom")
    return latest


async def exam_rules_of(db: AsyncSession, rule: ItemRule) -> dict[Subject, ExamRule]:
    """The numbers of each subject under a version."""
    rows = await db.exec(
        select(col(Exam.subject), ExamRule)
        .join(ExamRule, col(ExamRule.exam_id) == col(Exam.id))
        .where(col(ExamRule.rule_id) == rule.id)
    )
    return dict(rows.all())


def why_not_change(change: Change, at: int) -> list[Refusal]:
    """The number is there, makes sense by itself, and says where it comes from."""
    path = ("input", "changes", str(at))
    reasons = [why_not_text(change.source, *path, "source")]
    if change.value is None:
        wanted = "education" if change.field is RuleField.LEAST_EDUCATION else "number"
        reasons.append(Refusal(Code.BAD_INPUT, f"Say what is to stand there: give {wanted}.", (*path, wanted)))
    elif change.field in BOUNDS:
        least, most = BOUNDS[change.field]
        reasons.append(why_not_between(change.number, least, most, *path, "number"))
    return [reason for reason in reasons if reason]


def why_not_subject(change: Change, at: int, exam_rules: Mapping[Subject, ExamRule]) -> Refusal | None:
    """Numbers of an exam name a subject that the item has; numbers of the item name none."""
    path = ("input", "changes", str(at), "subject")
    if change.field not in OF_SUBJECT:
        message = "This number is the item's: leave the subject out."
        return Refusal(Code.BAD_INPUT, message, path) if change.subject else None
    if change.subject in exam_rules:
        return None
    subjects = " or ".join(sorted(subject.value for subject in exam_rules))
    return Refusal(Code.BAD_INPUT, f"This number is a subject's: choose {subjects}.", path)


async def largest_offers(db: AsyncSession, exam_ids: Sequence[int], *, caller: Caller) -> dict[int, int]:
    """By exam, the most places that a site of the caller's bureau offers; an exam that nobody offers is missing."""
    offered = (
        select(col(SiteOffer.exam_id), func.max(col(SiteOffer.places)))
        .join(Site, col(Site.id) == col(SiteOffer.site_id))
        .where(col(SiteOffer.exam_id).in_(exam_ids), col(Site.jurisdiction_id).in_(caller.territory))
        .group_by(col(SiteOffer.exam_id))
    )
    return dict((await db.exec(offered)).all())


def why_not_class(
    change: Change, at: int, exam_rules: Mapping[Subject, ExamRule], largest: Mapping[int, int]
) -> Refusal | None:
    """The least class fits into some site: else no session of the exam could ever be held."""
    if change.field is not RuleField.LEAST_PEOPLE or change.subject is None or change.number is None:
        return None
    most = largest.get(exam_rules[change.subject].exam_id)
    if most is None or change.number <= most:
        return None
    message = f"The largest site of your bureau has {most} places for it: no session could be held. Ask for fewer."
    return Refusal(Code.OUT_OF_RANGE, message, ("input", "changes", str(at), "number"))


def why_not_none(order: RevisionOrder) -> Refusal | None:
    """Something changes, and each number once."""
    names = [change.name for change in order.changes]
    if names and len(set(names)) == len(names):
        return None
    return Refusal(Code.BAD_INPUT, "Change at least one number, and each of them once.", ("input", "changes"))


def with_changes(before: ItemRule | ExamRule, columns: Sequence[str], changes: Sequence[Change]) -> dict[str, Any]:
    """The numbers of a version before, with these changes."""
    return {name: getattr(before, name) for name in columns} | {change.field.value: change.value for change in changes}


def why_not_ages(rule: ItemRule) -> Refusal | None:
    """The least age, the highest and the highest on renewal follow each other."""
    if rule.least_age <= rule.most_age <= rule.renewal_most_age:
        return None
    ages = f"{rule.least_age}, {rule.most_age} and {rule.renewal_most_age}"
    message = f"Least age, highest age and highest age on renewal would be {ages}: put them in order."
    return Refusal(Code.OUT_OF_RANGE, message, ("input", "changes"))


def why_not_marks(subject: Subject, numbers: Mapping[str, int]) -> Refusal | None:
    """Somebody can pass."""
    if numbers["pass_mark"] <= numbers["full_mark"]:
        return None
    marks = f"the pass mark {numbers['pass_mark']} lies above the full mark {numbers['full_mark']}"
    message = f"In {subject.value.lower()}, {marks}: nobody could pass."
    return Refusal(Code.OUT_OF_RANGE, message, ("input", "changes"))


def stated(change: Change) -> dict[str, str]:
    """Where a number comes from, as provenance keeps it."""
    return {"source": change.source.strip(), "confidence": change.confidence.value}
