"""What can be examined: items, their subjects, and the versioned rules that judge them."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from models.columns import Table, key, listed, refers_to
from models.vocabulary import Education, Subject


class Item(Table, table=True):
    """A work item (作业项目) of TSG Z6001-2019, with its scope limit where it has one."""

    __tablename__ = "item"
    __table_args__ = (UniqueConstraint("code", "scope_limit", postgresql_nulls_not_distinct=True),)

    id: int = key()
    code: str
    scope_limit: str | None = None
    name: str
    english_name: str


class Exam(Table, table=True):
    """One subject of one item: the unit that is scheduled."""

    __tablename__ = "exam"
    __table_args__ = (UniqueConstraint("item_id", "subject"),)

    id: int = key()
    item_id: int = refers_to("item.id", index=False)
    subject: Subject = listed(Subject)


class ItemRule(Table, table=True):
    """
    The numbers of an item's rule from a day on; a result is judged by the rule in force on its day.

    Without a bureau it is the regulator's, common to all; a bureau's own version goes before every common one from its
    first day on. `provenance` maps each field's name to `{"source": …, "confidence": …}`.
    """

    __tablename__ = "item_rule"
    __table_args__ = (
        UniqueConstraint("item_id", "bureau_id", "in_force_from", postgresql_nulls_not_distinct=True),
        CheckConstraint("valid_years BETWEEN 1 AND 20", name="valid_years_sensible"),
        CheckConstraint("least_age <= most_age AND most_age <= renewal_most_age", name="ages_in_order"),
        CheckConstraint("retakes BETWEEN 0 AND 5", name="retakes_sensible"),
        CheckConstraint("retake_window_months BETWEEN 0 AND 24", name="retake_window_sensible"),
    )

    id: int = key()
    item_id: int = refers_to("item.id", index=False)
    bureau_id: int | None = refers_to("jurisdiction.id", optional=True)
    in_force_from: date
    valid_years: int
    least_age: int
    most_age: int
    renewal_most_age: int
    renewal_lead_months: int
    least_education: Education = listed(Education)
    least_years_of_work: int = 0
    retakes: int
    retake_window_months: int
    provenance: dict[str, Any] = Field(sa_type=JSONB)


class ExamRule(Table, table=True):
    """The numbers of one subject under a version of its item's rule."""

    __tablename__ = "exam_rule"
    __table_args__ = (
        UniqueConstraint("rule_id", "exam_id"),
        CheckConstraint("pass_mark BETWEEN 1 AND full_mark", name="pass_mark_in_range"),
        CheckConstraint("staff BETWEEN 0 AND 20", name="staff_sensible"),
        CheckConstraint("least_people BETWEEN 0 AND 1000", name="least_people_sensible"),
        CheckConstraint("minutes_a_candidate BETWEEN 1 AND 480", name="minutes_sensible"),
    )

    id: int = key()
    rule_id: int = refers_to("item_rule.id", index=False)
    exam_id: int = refers_to("exam.id")
    full_mark: int = 100
    pass_mark: int
    minutes_a_candidate: int
    staff: int
    least_people: int


class Setting(Table, table=True):
    """A number of the bureau's own (weights, limits, lead days), with its source: it changes without a release."""

    __tablename__ = "setting"
    __table_args__ = (UniqueConstraint("bureau_id", "name"),)

    id: int = key()
    bureau_id: int = refers_to("jurisdiction.id", index=False)
    name: str
    value: float
    source: str
