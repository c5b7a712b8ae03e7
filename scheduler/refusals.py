"""A *no* with a listed code: raised by a use case, turned into `userErrors` at the edge, in one place."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from models.vocabulary import AlternativeKind


class Code(StrEnum):
    """Why something was refused; partners build on these, so they are listed and never reworded."""

    NOT_SIGNED_IN = "NOT_SIGNED_IN"
    NOT_ALLOWED = "NOT_ALLOWED"
    NOT_FOUND = "NOT_FOUND"
    BAD_INPUT = "BAD_INPUT"
    WRONG_PASSWORD = "WRONG_PASSWORD"  # noqa: S105  # a code, not a secret
    LOCKED_OUT = "LOCKED_OUT"
    WRONG_IDENTIFIER = "WRONG_IDENTIFIER"
    ALREADY_KNOWN = "ALREADY_KNOWN"
    WRONG_STATE = "WRONG_STATE"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    WINDOW_PAST = "WINDOW_PAST"
    WINDOW_TOO_SHORT = "WINDOW_TOO_SHORT"
    NO_OFFER = "NO_OFFER"
    SITE_IN_USE = "SITE_IN_USE"
    SITE_CLOSED = "SITE_CLOSED"
    TOO_YOUNG = "TOO_YOUNG"
    TOO_OLD = "TOO_OLD"
    TOO_LITTLE_SCHOOLING = "TOO_LITTLE_SCHOOLING"
    TOO_LITTLE_WORK = "TOO_LITTLE_WORK"
    NOT_YOUR_WORKER = "NOT_YOUR_WORKER"
    ALREADY_CERTIFIED = "ALREADY_CERTIFIED"
    ALREADY_ASKED = "ALREADY_ASKED"
    ALREADY_BOOKED = "ALREADY_BOOKED"
    ALREADY_PASSED = "ALREADY_PASSED"
    THEORY_NOT_PASSED = "THEORY_NOT_PASSED"
    RETAKE_NOT_OPEN = "RETAKE_NOT_OPEN"
    RETAKES_USED = "RETAKES_USED"
    OVERLAPS = "OVERLAPS"
    STAFF_RECUSED = "STAFF_RECUSED"
    FULL = "FULL"
    ROSTER_FROZEN = "ROSTER_FROZEN"
    TOO_MANY_CHANGES = "TOO_MANY_CHANGES"
    PROMISE_LAPSED = "PROMISE_LAPSED"
    HOLD_LAPSED = "HOLD_LAPSED"
    ALREADY_EXTENDED = "ALREADY_EXTENDED"
    OVER_SHARE = "OVER_SHARE"
    ALREADY_WAITING = "ALREADY_WAITING"
    RANKED_WINDOW = "RANKED_WINDOW"
    ALREADY_APPLIED = "ALREADY_APPLIED"
    SAME_PERSON_TWICE = "SAME_PERSON_TWICE"
    NOT_ASKED = "NOT_ASKED"
    ALREADY_ANSWERED = "ALREADY_ANSWERED"
    CONSENT_MISSING = "CONSENT_MISSING"
    LEAD_TIME = "LEAD_TIME"
    NOTHING_TO_PLAN = "NOTHING_TO_PLAN"
    CONTRADICTION = "CONTRADICTION"
    NOT_ON_ROSTER = "NOT_ON_ROSTER"
    NOT_THE_DAY = "NOT_THE_DAY"
    ALREADY_RECORDED = "ALREADY_RECORDED"
    RESULT_MISSING = "RESULT_MISSING"
    DECLARATION_MISSING = "DECLARATION_MISSING"
    TOO_LATE = "TOO_LATE"
    KEY_REUSED = "KEY_REUSED"
    IN_PROGRESS = "IN_PROGRESS"
    BUSY = "BUSY"


class Alternative(NamedTuple):
    """Another session with so many open places for those who found none: the whole group, or a part of it."""

    session_id: int
    kind: AlternativeKind
    places: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason: a code, a sentence with the way out, the input field it is about, and the worker if it is one's."""

    code: Code
    message: str
    path: tuple[str, ...] = ()
    worker_id: int | None = None
    alternatives: tuple[Alternative, ...] = ()  # where else there are open places
    waiting: int | None = None  # firms that wait for the session, where it is full
    retry_ms: int | None = None  # when to ask again, where only the moment was wrong


class Refused(Exception):  # a refusal is an answer, not an error
    """
    The rules say no. Leaving the transaction with it rolls everything back.

    Carries one reason or several: each person of a group is told theirs.
    """

    def __init__(self, *reasons: Refusal) -> None:
        super().__init__("; ".join(f"{reason.code}: {reason.message}" for reason in reasons))
        self.reasons = reasons


def refuse(code: Code, message: str, *path: str) -> Refused:
    """The exception for a single reason, about the input field at the path."""
    return Refused(Refusal(code, message, path))


def not_found(what: str, *path: str) -> Refused:
    """One answer for a foreign and for an absent row: nobody learns which ids exist."""
    return refuse(Code.NOT_FOUND, f"There is no such {what}, or you may not see it: look it up and use its id.", *path)
