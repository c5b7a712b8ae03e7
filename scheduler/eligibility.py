"""
Who may sit an exam: one small named rule each, for requests, the booking desk and results alike.

A series of sittings begins with an application and ends with a pass, or when no retake is left: the retakes are used,
their window is over, the item knows none, or the person was absent. After that a person may apply anew and a new series
begins; so a retake is a right to sit within its window, and having none left is no bar, only a beginning. What is never
allowed is to sit again on the day of a failure or absence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from models.catalogue import Exam, ItemRule
from models.outcomes import Result
from models.parties import Worker
from models.vocabulary import Education, Outcome, Subject
from scheduler.refusals import Code, Refusal

EDUCATION_LEVELS = tuple(Education)


class Upcoming(NamedTuple):
    """A place that a person holds in an exam that is not over."""

    session_id: int
    day: date


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one worker for one exam on a day."""

    worker: Worker
    exam: Exam
    results: tuple[Result, ...] = ()
    theory_passed_on: date | None = None
    needs_theory: bool = False
    holds_certificate: bool = False
    upcoming: tuple[Upcoming, ...] = ()

    @property
    def passed_on(self) -> date | None:
        """The last day on which this exam was passed."""
        return max((result.sat_on for result in self.results if result.outcome is Outcome.PASSED), default=None)

    def without(self, session_id: int | None) -> "Standing":
        """The same, were the place in this session given up."""
        return replace(self, upcoming=tuple(place for place in self.upcoming if place.session_id != session_id))

    @property
    def last(self) -> Result | None:
        """The latest sitting."""
        return max(self.results, key=lambda result: (result.series, result.attempt), default=None)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a worker is judged for: the firm that asks, the rule, the day of the exam and the day of asking."""

    enterprise_id: int
    rule: ItemRule
    on: date
    asked_on: date


Rule = Callable[[Standing, Occasion], Refusal | None]


def age_on(born_on: date, day: date) -> int:
    """Completed years of life on a day."""
    return relativedelta(day, born_on).years


def why_not_owner(standing: Standing, occasion: Occasion) -> Refusal | None:
    """A firm asks for its own workers only."""
    if standing.worker.enterprise_id == occasion.enterprise_id:
        return None
    return Refusal(Code.NOT_YOUR_WORKER, "This worker is not registered with your firm: register or choose your own.")


def why_not_age(standing: Standing, occasion: Occasion) -> Refusal | None:
    """Age on the day of application lies within the item's limits, the same for both sexes."""
    age, rule = age_on(standing.worker.born_on, occasion.asked_on), occasion.rule
    if age < rule.least_age:
        return Refusal(
            Code.TOO_YOUNG, f"The worker is {age}; the least age is {rule.least_age}: apply after that birthday."
        )
    if age > rule.most_age:
        return Refusal(
            Code.TOO_OLD, f"The worker is {age}; the most on application is {rule.most_age}: name somebody else."
        )
    return None


def why_not_education(standing: Standing, occasion: Occasion) -> Refusal | None:
    """Schooling reaches the item's least level."""
    least = occasion.rule.least_education
    if EDUCATION_LEVELS.index(standing.worker.education) >= EDUCATION_LEVELS.index(least):
        return None
    words = least.value.lower().replace("_", " ")
    return Refusal(Code.TOO_LITTLE_SCHOOLING, f"The item asks for {words} schooling at least: name somebody else.")


def why_not_years_of_work(standing: Standing, occasion: Occasion) -> Refusal | None:
    """Years of work reach what the item asks for."""
    least = occasion.rule.least_years_of_work
    if standing.worker.years_of_work >= least:
        return None
    return Refusal(Code.TOO_LITTLE_WORK, f"The item asks for {least} years of work at least: name somebody else.")


def why_not_certified(standing: Standing, _occasion: Occasion) -> Refusal | None:
    """Who awaits the certificate, or holds one that may still be renewed, is not examined."""
    if not standing.holds_certificate:
        return None
    return Refusal(
        Code.ALREADY_CERTIFIED,
        "The worker holds or awaits this certificate: renew it when it falls due; who does not is examined again.",
    )


def why_not_passed(standing: Standing, occasion: Occasion) -> Refusal | None:
    """Nobody sits again what is passed and still counts."""
    passed_on = standing.passed_on
    if passed_on is None or occasion.on > counts_until(passed_on, occasion.rule):
        return None
    return Refusal(
        Code.ALREADY_PASSED, f"The worker passed this on {passed_on}, and it still counts: name somebody else."
    )


def counts_until(passed_on: date, rule: ItemRule) -> date:
    """The last day on which a passed subject counts: as long as a retake would be open, a year at least."""
    return passed_on + relativedelta(months=max(rule.retake_window_months, 12))


def why_not_theory_first(standing: Standing, occasion: Occasion) -> Refusal | None:
    """A gated body admits to the practical only after theory is passed."""
    if standing.exam.subject is not Subject.PRACTICAL or not standing.needs_theory:
        return None
    passed_on = standing.theory_passed_on
    if passed_on is not None and passed_on < occasion.on <= counts_until(passed_on, occasion.rule):
        return None
    return Refusal(Code.THEORY_NOT_PASSED, "The practical follows a passed theory: book the theory first.")


def why_not_retake(standing: Standing, occasion: Occasion) -> Refusal | None:
    """Whoever failed or was absent sits again on a later day, as a retake or in a new series."""
    last = standing.last
    if last is None or last.outcome is Outcome.PASSED or occasion.on > last.sat_on:
        return None
    return Refusal(Code.RETAKE_NOT_OPEN, f"Nobody sits again on the same day: choose one after {last.sat_on}.")


def why_not_booked(standing: Standing, _occasion: Occasion) -> Refusal | None:
    """One place per person and exam at a time."""
    if not standing.upcoming:
        return None
    day = standing.upcoming[0].day
    return Refusal(Code.ALREADY_BOOKED, f"The worker already has a place in this exam on {day}: cancel that one first.")


APPLICATION_RULES: Sequence[tuple[str, Rule]] = (
    ("A firm asks for its own workers only.", why_not_owner),
    ("Age on application lies within the item's limits.", why_not_age),
    ("Schooling reaches the item's least level.", why_not_education),
    ("Years of work reach what the item asks for.", why_not_years_of_work),
    ("Who awaits the certificate, or may still renew it, is not examined for it.", why_not_certified),
    ("Nobody sits again what is passed and still counts.", why_not_passed),
)
ONE_PLACE: tuple[str, Rule] = ("One place per person and exam at a time.", why_not_booked)
REQUEST_RULES: Sequence[tuple[str, Rule]] = (*APPLICATION_RULES, ONE_PLACE)
BOOKING_RULES: Sequence[tuple[str, Rule]] = (
    *APPLICATION_RULES,
    ("The practical follows a passed theory.", why_not_theory_first),
    ("Nobody sits again on the day of a failure or absence.", why_not_retake),
    ONE_PLACE,
)


def why_not(standing: Standing, occasion: Occasion, rules: Sequence[tuple[str, Rule]]) -> list[Refusal]:
    """Every reason of these rules against the worker, in their order, each naming the worker."""
    reasons = [rule(standing, occasion) for _, rule in rules]
    return [replace(reason, worker_id=standing.worker.id) for reason in reasons if reason]


def retake_window(sat_on: date, rule: ItemRule) -> tuple[date, date] | None:
    """From when until when a failure on a day may be sat again; None where the item knows no retake."""
    if rule.retakes == 0:
        return None
    return sat_on + timedelta(days=1), sat_on + relativedelta(months=rule.retake_window_months)
