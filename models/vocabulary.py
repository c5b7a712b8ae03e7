"""The trade's closed lists: tiers, parts of the day, roles, kinds and states. Imports nothing of ours."""

from enum import StrEnum


class Tier(StrEnum):
    """A level of the three-tier consultation (局—镇—所)."""

    OFFICE = "OFFICE"
    TOWN = "TOWN"
    BUREAU = "BUREAU"


class Part(StrEnum):
    """A half-day: morning, afternoon or evening."""

    AM = "am"
    PM = "pm"
    EVE = "eve"


class Subject(StrEnum):
    """A part of an operator's exam (科目): the computer-based theory or the practical at the machine."""

    THEORY = "THEORY"
    PRACTICAL = "PRACTICAL"


class Education(StrEnum):
    """Schooling completed, lowest first; the order of the members is the order of the levels."""

    PRIMARY = "PRIMARY"
    JUNIOR_SECONDARY = "JUNIOR_SECONDARY"
    SENIOR_SECONDARY = "SENIOR_SECONDARY"
    COLLEGE = "COLLEGE"


class Confidence(StrEnum):
    """How sure we are of a regulator's number: seen in a published source, professional belief, or our assumption."""

    FOUND = "FOUND"
    BELIEVED = "BELIEVED"
    ASSUMED = "ASSUMED"


class Role(StrEnum):
    """What a signed-in account may do."""

    ENTERPRISE = "ENTERPRISE"
    OFFICE = "OFFICE"
    TOWN = "TOWN"
    BUREAU = "BUREAU"
    EXAM_BODY = "EXAM_BODY"
    EXAMINER = "EXAMINER"
    AUDITOR = "AUDITOR"
    OPERATOR = "OPERATOR"


class KeyScope(StrEnum):
    """What a key of an account's own system may do with what the account may do."""

    READ = "READ"
    WRITE = "WRITE"


class RequestOrigin(StrEnum):
    """Why a request exists: a firm asked, theory was passed, a failure may be sat again, or nothing was renewed."""

    ENTERPRISE = "ENTERPRISE"
    NEXT_SUBJECT = "NEXT_SUBJECT"
    RETAKE = "RETAKE"
    NOT_RENEWED = "NOT_RENEWED"


class RequestState(StrEnum):
    """Where a request for places stands."""

    PROPOSED = "PROPOSED"
    OPEN = "OPEN"
    PLANNED = "PLANNED"
    PROMISED = "PROMISED"
    SETTLED = "SETTLED"
    WITHDRAWN = "WITHDRAWN"
    DECLINED = "DECLINED"
    LAPSED = "LAPSED"


class RoundState(StrEnum):
    """Where a round of allocation stands."""

    COLLECTING = "COLLECTING"
    PLANNING = "PLANNING"
    CONSULTING = "CONSULTING"
    PUBLISHED = "PUBLISHED"
    CANCELLED = "CANCELLED"


class PlanState(StrEnum):
    """Whether a plan of a round is the one consulted on, or was replaced by a later one."""

    CURRENT = "CURRENT"
    SUPERSEDED = "SUPERSEDED"


class SessionState(StrEnum):
    """Where an exam session stands, from plan to results."""

    PROPOSED = "PROPOSED"
    AGREED = "AGREED"
    PUBLISHED = "PUBLISHED"
    FROZEN = "FROZEN"
    HELD = "HELD"
    CLOSED = "CLOSED"
    DROPPED = "DROPPED"
    CANCELLED = "CANCELLED"


class ConsentParty(StrEnum):
    """Who is asked to consent to a session."""

    OFFICE = "OFFICE"
    TOWN = "TOWN"
    BUREAU = "BUREAU"
    HOST = "HOST"
    STAFF = "STAFF"
    EXAM_BODY = "EXAM_BODY"


class ConsentState(StrEnum):
    """Where one consent stands; QUEUED waits for its turn (the exam body is asked last)."""

    QUEUED = "QUEUED"
    ASKED = "ASKED"
    AGREED = "AGREED"
    OBJECTED = "OBJECTED"
    ESCALATED = "ESCALATED"
    VOID = "VOID"


class ObjectionKind(StrEnum):
    """The typed reasons of an objection; each becomes a constraint of the next plan."""

    NOT_THIS_SITE = "NOT_THIS_SITE"
    NOT_THIS_BLOCK = "NOT_THIS_BLOCK"
    NOT_THESE_STAFF = "NOT_THESE_STAFF"
    AT_LEAST_PEOPLE = "AT_LEAST_PEOPLE"
    KEEP_TOGETHER = "KEEP_TOGETHER"


class PromiseState(StrEnum):
    """Where places of a session that a round set aside for a request stand."""

    PLANNED = "PLANNED"
    HELD = "HELD"
    USED = "USED"
    RELEASED = "RELEASED"
    DROPPED = "DROPPED"


class WaitingState(StrEnum):
    """Where a firm's waiting for freed places (候补) stands; OFFERED has places held until it takes them or not."""

    WAITING = "WAITING"
    OFFERED = "OFFERED"
    SERVED = "SERVED"
    LEFT = "LEFT"
    LAPSED = "LAPSED"


class WindowState(StrEnum):
    """Where a ranked window stands; VOID where its session was called off or froze before it was ranked."""

    OPEN = "OPEN"
    RANKED = "RANKED"
    VOID = "VOID"


class ApplicationState(StrEnum):
    """Where an application in a ranked window stands; UNFIT where none of its people may sit any more."""

    APPLIED = "APPLIED"
    PLACED = "PLACED"
    QUEUED = "QUEUED"
    UNFIT = "UNFIT"
    WITHDRAWN = "WITHDRAWN"
    VOID = "VOID"


class GrantState(StrEnum):
    """Whether a share granted down stands; once its date has come what was unused is returned."""

    STANDING = "STANDING"
    RETURNED = "RETURNED"


class AlternativeKind(StrEnum):
    """What else there is where a session has no place: another day there, another site, or a part of the group."""

    OTHER_DATE = "OTHER_DATE"
    OTHER_SITE = "OTHER_SITE"
    SPLIT = "SPLIT"


class HoldState(StrEnum):
    """Where places set aside for a firm stand; KEPT ones are gathered for a waiting group until it fits."""

    KEPT = "KEPT"
    HELD = "HELD"
    USED = "USED"
    RELEASED = "RELEASED"
    LAPSED = "LAPSED"


class BookingState(StrEnum):
    """Whether a named person's place stands."""

    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


class Attendance(StrEnum):
    """Whether a booked person came on the day."""

    EXPECTED = "EXPECTED"
    PRESENT = "PRESENT"
    ABSENT = "ABSENT"


class Outcome(StrEnum):
    """What a sitting came to; absence counts as failed, without a retake."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    ABSENT = "ABSENT"


class CertificateState(StrEnum):
    """Where a certificate stands; PENDING awaits its decision, REPLACED gave way to one earned by a new exam."""

    PENDING = "PENDING"
    VALID = "VALID"
    REFUSED = "REFUSED"
    RENEWED = "RENEWED"
    REPLACED = "REPLACED"
    EXPIRED = "EXPIRED"


class RenewalState(StrEnum):
    """Where the renewal (复审) of an expiring certificate stands."""

    PROPOSED = "PROPOSED"
    APPLIED = "APPLIED"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    DECLINED = "DECLINED"
    LAPSED = "LAPSED"


class ResourceKind(StrEnum):
    """What a session can claim for its time; no resource is in two sessions at once."""

    STAFF = "STAFF"
    ROOM = "ROOM"
    WORKER = "WORKER"


class Channel(StrEnum):
    """How a message leaves the house: by e-mail, a gateway for SMS or WeChat, a partner's webhook, or into a file."""

    EMAIL = "EMAIL"
    GATEWAY = "GATEWAY"
    WEBHOOK = "WEBHOOK"
    FILE = "FILE"


class Courtesy(StrEnum):
    """
    The messages that one may unsubscribe from; there are no others.

    Each only repeats what can be looked up at any time, and nobody's right or deadline begins or ends by it. Everything
    else is an official notice: results, decisions, consents asked and changes of a booked session take effect by being
    told (a licence decision is served on the applicant: Administrative Licensing Law, article 44 行政许可法第四十四条).
    """

    RENEWAL_REMINDER = "RENEWAL_REMINDER"
    SESSIONS_PUBLISHED = "SESSIONS_PUBLISHED"


class Topic(StrEnum):
    """What the change feed tells of."""

    SESSION_PLACES = "SESSION_PLACES"
    BOOKING = "BOOKING"
    ROUND = "ROUND"
