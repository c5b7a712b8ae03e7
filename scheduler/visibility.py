"""The statements a caller may read from: every read starts here, and what a caller may not see is not selected."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from models.bookings import Booking, Hold, Promise, Waiting
from models.catalogue import Exam, ExamRule, Item, ItemRule, Setting
from models.columns import Table
from models.demand import Request
from models.grants import PlaceGrant, StaffGrant
from models.journal import AuditEntry, DeliveryAttempt, JobRun, OutboxMessage
from models.outcomes import Certificate, Renewal, Result
from models.parties import Account, ApiKey, Contact, Enterprise, ExamBody, Examiner, WebhookEndpoint, Worker
from models.places import CalendarOverride, Jurisdiction, Site, SiteClosure, SiteOffer, WeatherBlock
from models.rounds import Consent, Objection, Plan, Round, RoundCalendar
from models.sessions import Session, SessionStaff
from models.vocabulary import ConsentState, PromiseState, Role, SessionState
from models.windows import Applicant, Application, RankedWindow
from scheduler.callers import OFFICIALS, Caller
from scheduler.catalogue import rules_for

T = TypeVar("T", bound=Table)
Where = ColumnElement[bool]

PUBLIC_STATES = (
    SessionState.PUBLISHED,
    SessionState.FROZEN,
    SessionState.HELD,
    SessionState.CLOSED,
    SessionState.CANCELLED,
)


def visible(table: type[T], caller: Caller) -> SelectOfScalar[T]:
    """The base statement of every read of a table: only the rows that this caller may see."""
    if caller.sees_everything:
        return select(table)
    return select(table).where(WHERE[table](caller))


def sessions_seen(caller: Caller) -> Where:
    """Officials see their bureau's; an exam body its own; all, the published and those that ask them."""
    own_bureau = col(Session.bureau_id) == caller.bureau_id
    if caller.role in OFFICIALS:
        return own_bureau
    if caller.role is Role.EXAM_BODY:
        return col(Session.exam_body_id) == caller.exam_body_id
    asked = col(Session.id).in_(select(col(Consent.session_id)).where(consents_to_answer(caller)))
    return or_(and_(own_bureau, col(Session.state).in_(PUBLIC_STATES)), asked)


def windows_seen(caller: Caller) -> Where:
    """The windows of the sessions that the caller sees: whoever may look can recount them."""
    return col(RankedWindow.session_id).in_(select(col(Session.id)).where(sessions_seen(caller)))


def applicants_seen(caller: Caller) -> Where:
    """The people on the applications that the caller sees."""
    own = of_seen_enterprises(Application.enterprise_id)(caller)
    return col(Applicant.application_id).in_(select(col(Application.id)).where(own))


def consents_to_answer(caller: Caller) -> Where:
    """The consents that are asked of this caller itself; auditors and operators are asked nothing."""
    mine = {
        **dict.fromkeys(OFFICIALS, col(Consent.jurisdiction_id) == caller.jurisdiction_id),
        Role.ENTERPRISE: col(Consent.enterprise_id) == caller.enterprise_id,
        Role.EXAM_BODY: col(Consent.exam_body_id) == caller.exam_body_id,
        Role.EXAMINER: col(Consent.examiner_id) == caller.examiner_id,
    }
    if caller.role not in mine:
        return false()
    return and_(mine[caller.role], col(Consent.state).not_in((ConsentState.QUEUED, ConsentState.VOID)))


def consents_seen(caller: Caller) -> Where:
    """Officials follow the whole consultation of their bureau; everyone else only what is asked of them."""
    if caller.role in OFFICIALS:
        return col(Consent.session_id).in_(select(col(Session.id)).where(sessions_seen(caller)))
    return consents_to_answer(caller)


def enterprises_seen(caller: Caller) -> Where:
    """Officials see the firms of their territory; an exam body and examiners those with people on their rosters."""
    if caller.role in OFFICIALS:
        return col(Enterprise.office_id).in_(caller.territory)
    if caller.role is Role.ENTERPRISE:
        return col(Enterprise.id) == caller.enterprise_id
    return col(Enterprise.id).in_(select(col(Booking.enterprise_id)).where(bookings_seen(caller)))


def of_seen_enterprises(column: Any) -> Callable[[Caller], Where]:  # a mapped column, whatever its type
    """Rows that belong to an enterprise whose rows the caller sees."""

    def where(caller: Caller) -> Where:
        if caller.role is Role.ENTERPRISE:
            return col(column) == caller.enterprise_id
        if caller.role in OFFICIALS:
            return col(column).in_(select(col(Enterprise.id)).where(enterprises_seen(caller)))
        return false()

    return where


def workers_seen(caller: Caller) -> Where:
    """A firm's own workers; officials those of their firms; an exam body and examiners those on their rosters."""
    if caller.role in (Role.EXAM_BODY, Role.EXAMINER):
        return col(Worker.id).in_(select(col(Booking.worker_id)).where(bookings_seen(caller)))
    return of_seen_enterprises(Worker.enterprise_id)(caller)


def bookings_seen(caller: Caller) -> Where:
    """A firm's own; officials those of their firms; an exam body and examiners the rosters of their sessions."""
    if caller.role is Role.EXAM_BODY:
        return col(Booking.session_id).in_(select(col(Session.id)).where(sessions_seen(caller)))
    if caller.role is Role.EXAMINER:
        serving = select(col(SessionStaff.session_id)).where(col(SessionStaff.examiner_id) == caller.examiner_id)
        return col(Booking.session_id).in_(serving)
    return of_seen_enterprises(Booking.enterprise_id)(caller)


def promises_seen(caller: Caller) -> Where:
    """Promises made to requests that the caller sees; once published for firms, from the plan on for officials."""
    own = select(col(Request.id)).where(of_seen_enterprises(Request.enterprise_id)(caller))
    made = col(Promise.request_id).in_(own)
    if caller.role is Role.ENTERPRISE:
        return and_(made, col(Promise.state).not_in((PromiseState.PLANNED, PromiseState.DROPPED)))
    return made


def grants_seen(column: Any) -> Callable[[Caller], Where]:  # a mapped column, whatever its type
    """The shares of an official's own jurisdiction and of those below it: what a sibling has is its own affair."""

    def where(caller: Caller) -> Where:
        return col(column).in_(caller.territory) if caller.role in OFFICIALS else false()

    return where


def results_seen(caller: Caller) -> Where:
    """The results of the bookings that the caller sees."""
    return col(Result.booking_id).in_(select(col(Booking.id)).where(bookings_seen(caller)))


def certificates_seen(caller: Caller) -> Where:
    """The certificates of the workers that the caller sees."""
    return col(Certificate.worker_id).in_(select(col(Worker.id)).where(workers_seen(caller)))


def rounds_seen(caller: Caller) -> Where:
    """The rounds of the caller's bureau."""
    return col(Round.bureau_id) == caller.bureau_id


def officials_rounds(column: Any) -> Callable[[Caller], Where]:  # a mapped column, whatever its type
    """Plans and objections belong to officials: they name every firm of the bureau."""

    def where(caller: Caller) -> Where:
        if caller.role not in OFFICIALS:
            return false()
        return col(column).in_(select(col(Round.id)).where(rounds_seen(caller)))

    return where


def examiners_seen(caller: Caller) -> Where:
    """Officials see the examiners of their bureau's exam bodies, a body its own, an examiner colleagues."""
    bodies = select(col(ExamBody.id)).where(col(ExamBody.bureau_id) == caller.bureau_id)
    if caller.role is Role.EXAM_BODY:
        return col(Examiner.exam_body_id) == caller.exam_body_id
    if caller.role is Role.ENTERPRISE:
        return false()
    return col(Examiner.exam_body_id).in_(bodies)


def everyone(_caller: Caller) -> Where:
    """Public master data."""
    return true()


def nobody(_caller: Caller) -> Where:
    """Rows for auditors and operators alone."""
    return false()


def own_account(caller: Caller) -> Where:
    """One's own account, nobody else's."""
    return col(Account.id) == caller.account_id


def own_keys(caller: Caller) -> Where:
    """The keys of one's own account."""
    return col(ApiKey.account_id) == caller.account_id


def contact_of(caller: Caller) -> Where:
    """The contact of the party that the caller acts for."""
    return col(Contact.recipient) == party_of(caller)


def endpoints_seen(caller: Caller) -> Where:
    """An exam body's own webhook endpoints."""
    return col(WebhookEndpoint.exam_body_id) == caller.exam_body_id


def events_seen(caller: Caller) -> Where:
    """The events for an exam body's own endpoints; no messages to people."""
    own = select(col(WebhookEndpoint.id)).where(endpoints_seen(caller))
    return col(OutboxMessage.endpoint_id).in_(own)


def attempts_seen(caller: Caller) -> Where:
    """The attempts at the messages that the caller sees."""
    return col(DeliveryAttempt.message_id).in_(select(col(OutboxMessage.id)).where(events_seen(caller)))


def party_of(caller: Caller) -> str:
    """The party that the caller acts for, as messages name it; nobody's name for auditors and operators."""
    parties = {
        "enterprise": caller.enterprise_id,
        "jurisdiction": caller.jurisdiction_id,
        "exam_body": caller.exam_body_id,
        "examiner": caller.examiner_id,
    }
    return next((f"{kind}:{key}" for kind, key in parties.items() if key is not None), "")


def own_settings(caller: Caller) -> Where:
    """The policy of one's own bureau."""
    return col(Setting.bureau_id) == caller.bureau_id


def own_overrides(caller: Caller) -> Where:
    """The days that one's own bureau declared."""
    return col(CalendarOverride.bureau_id) == caller.bureau_id


def own_round_calendar(caller: Caller) -> Where:
    """How the rounds of one's own bureau follow one another: firms ask in time for the next."""
    return col(RoundCalendar.bureau_id) == caller.bureau_id


def rules_seen(caller: Caller) -> Where:
    """The common rules and those of one's own bureau."""
    return rules_for(caller.bureau_id)


def exam_rules_seen(caller: Caller) -> Where:
    """The numbers of each subject under the rules that the caller sees."""
    return col(ExamRule.rule_id).in_(select(col(ItemRule.id)).where(rules_seen(caller)))


WHERE: Mapping[type[Table], Callable[[Caller], Where]] = {
    Jurisdiction: everyone,
    Site: everyone,
    SiteOffer: everyone,
    SiteClosure: everyone,
    WeatherBlock: everyone,
    CalendarOverride: own_overrides,
    Item: everyone,
    Exam: everyone,
    ItemRule: rules_seen,
    ExamRule: exam_rules_seen,
    ExamBody: everyone,
    Setting: own_settings,
    Account: own_account,
    ApiKey: own_keys,
    Enterprise: enterprises_seen,
    Worker: workers_seen,
    Examiner: examiners_seen,
    Request: of_seen_enterprises(Request.enterprise_id),
    Round: rounds_seen,
    RoundCalendar: own_round_calendar,
    Plan: officials_rounds(Plan.round_id),
    Objection: officials_rounds(Objection.round_id),
    Session: sessions_seen,
    Consent: consents_seen,
    Promise: promises_seen,
    Waiting: of_seen_enterprises(Waiting.enterprise_id),
    Hold: of_seen_enterprises(Hold.enterprise_id),
    PlaceGrant: grants_seen(PlaceGrant.jurisdiction_id),
    StaffGrant: grants_seen(StaffGrant.jurisdiction_id),
    RankedWindow: windows_seen,
    Application: of_seen_enterprises(Application.enterprise_id),
    Applicant: applicants_seen,
    Booking: bookings_seen,
    Result: results_seen,
    Certificate: certificates_seen,
    Renewal: of_seen_enterprises(Renewal.enterprise_id),
    AuditEntry: nobody,
    Contact: contact_of,
    WebhookEndpoint: endpoints_seen,
    OutboxMessage: events_seen,
    DeliveryAttempt: attempts_seen,
    JobRun: nobody,
}
