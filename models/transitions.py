"""
The one table of allowed changes of state, and the database triggers that hold every writer to it.

The trigger refuses an unlisted change and writes the audit entry of a listed one in the same transaction, so that
neither depends on the code that made the change. Who and when come from the transaction's own settings, which
`models.database.Database.writing` makes.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from models.vocabulary import (
    ApplicationState,
    BookingState,
    CertificateState,
    ConsentState,
    GrantState,
    HoldState,
    PlanState,
    PromiseState,
    RenewalState,
    RequestState,
    RoundState,
    SessionState,
    WaitingState,
    WindowState,
)

BORN = ""  # the state before a row exists

Moves = Mapping[StrEnum | str, tuple[StrEnum, ...]]

TRANSITIONS: Mapping[str, Moves] = {
    "request": {
        BORN: (RequestState.PROPOSED, RequestState.OPEN),
        RequestState.PROPOSED: (RequestState.OPEN, RequestState.DECLINED, RequestState.LAPSED),
        RequestState.OPEN: (RequestState.PLANNED, RequestState.WITHDRAWN, RequestState.LAPSED),
        RequestState.PLANNED: (RequestState.OPEN, RequestState.PROMISED, RequestState.WITHDRAWN),
        RequestState.PROMISED: (
            RequestState.OPEN,
            RequestState.SETTLED,
            RequestState.WITHDRAWN,
            RequestState.LAPSED,
        ),
        # A session that was cancelled: whoever had a place in it asks again.
        RequestState.SETTLED: (RequestState.OPEN,),
    },
    "round": {
        BORN: (RoundState.COLLECTING,),
        RoundState.COLLECTING: (RoundState.PLANNING, RoundState.CANCELLED),
        RoundState.PLANNING: (RoundState.CONSULTING, RoundState.CANCELLED),
        RoundState.CONSULTING: (RoundState.PLANNING, RoundState.PUBLISHED, RoundState.CANCELLED),
    },
    "plan": {BORN: (PlanState.CURRENT,), PlanState.CURRENT: (PlanState.SUPERSEDED,)},
    "session": {
        BORN: (SessionState.PROPOSED,),
        SessionState.PROPOSED: (SessionState.AGREED, SessionState.DROPPED),
        SessionState.AGREED: (SessionState.PROPOSED, SessionState.PUBLISHED, SessionState.DROPPED),
        SessionState.PUBLISHED: (SessionState.FROZEN, SessionState.CANCELLED),
        # Postponed for bad weather: its roster opens again for the new day.
        SessionState.FROZEN: (SessionState.HELD, SessionState.CANCELLED, SessionState.PUBLISHED),
        SessionState.HELD: (SessionState.CLOSED,),
    },
    "consent": {
        BORN: (ConsentState.QUEUED, ConsentState.ASKED),
        ConsentState.QUEUED: (ConsentState.ASKED, ConsentState.VOID),
        ConsentState.ASKED: (
            ConsentState.AGREED,
            ConsentState.OBJECTED,
            ConsentState.ESCALATED,
            ConsentState.QUEUED,
            ConsentState.VOID,
        ),
        ConsentState.AGREED: (ConsentState.VOID,),
        ConsentState.OBJECTED: (ConsentState.VOID,),
        ConsentState.ESCALATED: (ConsentState.VOID,),
    },
    "promise": {
        BORN: (PromiseState.PLANNED,),
        PromiseState.PLANNED: (PromiseState.HELD, PromiseState.DROPPED),
        PromiseState.HELD: (PromiseState.USED, PromiseState.RELEASED),
        PromiseState.USED: (PromiseState.HELD, PromiseState.RELEASED),
    },
    "waiting": {
        BORN: (WaitingState.WAITING,),
        WaitingState.WAITING: (WaitingState.OFFERED, WaitingState.LEFT, WaitingState.LAPSED),
        # Its session was cancelled: it waits on for another at its old position.
        WaitingState.OFFERED: (
            WaitingState.SERVED,
            WaitingState.WAITING,
            WaitingState.LEFT,
            WaitingState.LAPSED,
        ),
    },
    "hold": {
        BORN: (HoldState.KEPT, HoldState.HELD),
        HoldState.KEPT: (HoldState.HELD, HoldState.RELEASED, HoldState.LAPSED),
        HoldState.HELD: (HoldState.USED, HoldState.RELEASED, HoldState.LAPSED),
    },
    "place_grant": {BORN: (GrantState.STANDING,), GrantState.STANDING: (GrantState.RETURNED,)},
    "staff_grant": {BORN: (GrantState.STANDING,), GrantState.STANDING: (GrantState.RETURNED,)},
    "ranked_window": {BORN: (WindowState.OPEN,), WindowState.OPEN: (WindowState.RANKED, WindowState.VOID)},
    "application": {
        BORN: (ApplicationState.APPLIED,),
        ApplicationState.APPLIED: (
            ApplicationState.PLACED,
            ApplicationState.QUEUED,
            ApplicationState.UNFIT,
            ApplicationState.WITHDRAWN,
            ApplicationState.VOID,
        ),
    },
    "booking": {BORN: (BookingState.CONFIRMED,), BookingState.CONFIRMED: (BookingState.CANCELLED,)},
    "certificate": {
        BORN: (CertificateState.PENDING,),
        CertificateState.PENDING: (CertificateState.VALID, CertificateState.REFUSED),
        CertificateState.VALID: (CertificateState.RENEWED, CertificateState.REPLACED, CertificateState.EXPIRED),
        # Expired while the renewal that was applied for in time awaited its decision.
        CertificateState.EXPIRED: (CertificateState.RENEWED,),
    },
    "renewal": {
        BORN: (RenewalState.PROPOSED,),
        RenewalState.PROPOSED: (RenewalState.APPLIED, RenewalState.DECLINED, RenewalState.LAPSED),
        RenewalState.APPLIED: (RenewalState.GRANTED, RenewalState.REFUSED),
    },
}


def listed_moves() -> Iterator[tuple[str, str, str]]:
    """Every allowed move as (entity, from, to); from is empty where a row is born."""
    for entity, moves in TRANSITIONS.items():
        for before, afters in moves.items():
            for after in afters:
                yield entity, str(before), str(after)


def may_move(entity: str, before: str, after: str) -> bool:
    """Whether the table lists the change; the same answer as the database's."""
    return after in TRANSITIONS[entity].get(before, ())


GUARD = """
CREATE FUNCTION guard_state() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := CASE WHEN TG_OP = 'INSERT' THEN '' ELSE OLD.state END;
    actor text := nullif(current_setting('doorstep.actor', true), '');
    at text := nullif(current_setting('doorstep.now', true), '');
BEGIN
    IF before = NEW.state THEN
        RETURN NULL;
    END IF;
    IF actor IS NULL OR at IS NULL THEN
        RAISE EXCEPTION '% % changes state without an actor and a time', TG_TABLE_NAME, NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM transition
                   WHERE entity = TG_TABLE_NAME AND from_state = before AND to_state = NEW.state) THEN
        RAISE EXCEPTION '% % may not go from "%" to "%"', TG_TABLE_NAME, NEW.id, before, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO audit_entry (at, actor, act, entity, entity_id, from_state, to_state, detail)
    VALUES (at::timestamptz, actor, 'state', TG_TABLE_NAME, NEW.id, nullif(before, ''), NEW.state, '{}');
    RETURN NULL;
END $$
"""

FORBID = """
CREATE FUNCTION forbid_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of % are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$
"""


def trigger_statements() -> Iterator[str]:
    """The SQL that puts the guards in place, for the migration that makes the tables."""
    yield GUARD
    yield FORBID
    for entity in TRANSITIONS:
        yield (
            f"CREATE TRIGGER guard_state AFTER INSERT OR UPDATE OF state ON {entity}"
            " FOR EACH ROW EXECUTE FUNCTION guard_state()"
        )
    yield (
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry"
        " FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()"
    )
