"""The auditor finds nothing in a clean world, and in a corrupted one names exactly what was corrupted."""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database, Pool
from scheduler.audit.auditor import INVARIANTS, audit, verdicts
from scheduler.audit.invariant import Violation
from tests import factories as make
from tests.scheduler.audited_world import World, make_world
from tests.scheduler.corruption import Corruption, also, moved
from tests.scheduler.share_corruptions import SHARES

pytestmark = pytest.mark.asyncio

UrlOf = Callable[[str], str]
STRANGER = 900_000  # the key of a row that only a corruption inserts

NEVER_OVERSOLD = "ALTER TABLE session DROP CONSTRAINT ck_session_never_oversold"
CORRUPTIONS = [
    *SHARES,
    Corruption(
        "runs-accounted-for", ["UPDATE job_run SET finished_at = NULL, died_at = '2026-03-02', attempts = 8"],
        "job_run", "ran", "finished never, dead 2026-03-02 00:00:00+00, 8 attempts, held until never",
    ),
    Corruption("searches-are-of-planning", ["UPDATE round SET leased_until = '2026-03-02' WHERE id = {round}"],
        "round", "round", "held until 2026-03-02 00:00:00+00, no progress"),
    Corruption(
        "windows-close-their-sessions", ["UPDATE session SET ranked_until = NULL WHERE id = {windowed}"],
        "session", "windowed", "PUBLISHED, ranked until never, its window until 2026-03-02 03:00:00+00",
    ),
    Corruption(
        "places-by-rank-alone",
        [("INSERT INTO hold (id, session_id, enterprise_id, people, named, state, held_at, held_until, is_extended)"
          " VALUES ({stranger}, {windowed}, {enterprise}, 1, 0, 'HELD', '2026-03-02', '2026-03-03', false)"),
         "UPDATE session SET held = 1 WHERE id = {windowed}",
         moved("hold", "{stranger}", None, "HELD")],
        "hold", "stranger", "1 places held in window {open}, for no application in it",
    ),
    Corruption(
        "placed-are-booked", ["UPDATE hold SET application_id = NULL WHERE application_id = {placed}"],
        "application", "placed", "PLACED for 1, given nothing in session {ranked_session}",
    ),
    Corruption(
        "standing-once",
        [("INSERT INTO applicant (application_id, worker_id) SELECT {applied}, {w1}")],
        "application", "applied", "for 1, 2 named",
    ),
    Corruption(
        "committed-in-the-trail", ["UPDATE ranked_window SET seed_hash = repeat('0', 64) WHERE id = {open}"],
        "ranked_window", "open", "seed hash 00000000 and result none are not the trail's",
    ),
    Corruption(
        "rankings-recount", ["UPDATE application SET since = '2026-01-01' WHERE id = {queued}"],
        "ranked_window", "ranked", "position 2 says",
    ),
    Corruption(
        "rankings-recount",
        [("UPDATE ranked_window SET document = jsonb_set(document, '{{entries,1,placed}}', 'true')"
          " WHERE id = {ranked}")],
        "ranked_window", "ranked", "gets no place",
    ),
    Corruption(
        "never-oversold",
        [NEVER_OVERSOLD, "UPDATE session SET places = 3 WHERE id = {to_come}"],
        "session", "to_come", "2 taken, 2 promised, 1 held and 0 shared of 3 places",
    ),
    Corruption(
        "taken-are-booked", ["UPDATE session SET taken = 1 WHERE id = {to_come}"],
        "session", "to_come", "1 taken, 2 booked",
    ),
    Corruption(
        "promised-are-unnamed", ["UPDATE session SET promised = 1 WHERE id = {to_come}"],
        "session", "to_come", "1 promised, 2 unnamed",
    ),
    Corruption(
        "held-are-unnamed", ["UPDATE session SET held = 0 WHERE id = {to_come}"],
        "session", "to_come", "0 held, 1 unnamed",
    ),
    Corruption(
        "holds-in-open-sessions", ["UPDATE hold SET held_until = '2026-05-01 00:00+00' WHERE id = {held}"],
        "hold", "held",
        "held until 2026-05-01 00:00:00+00, session {to_come} is PUBLISHED and freezes at 2026-04-13 00:30:00+00",
    ),
    Corruption(
        "offers-meet-the-queue", ["UPDATE waiting SET people = 2 WHERE id = {waiting}"],
        "waiting", "waiting", "OFFERED for 2, places HELD 1",
    ),
    Corruption(
        "named-are-booked", ["UPDATE booking SET promise_id = NULL WHERE id = {named}"],
        "promise", "promise", "1 of 3 named, 0 booked",
    ),
    Corruption(
        "named-when-frozen",
        ["UPDATE session SET state = 'FROZEN' WHERE id = {to_come}",
         moved("session", "{to_come}", "PUBLISHED", "FROZEN")],
        "promise", "promise", "session {to_come} is FROZEN, and 1 of 3 are named",
        also("holds-in-open-sessions", "confirmed-before-frozen"),
    ),
    Corruption(
        "promises-trace-back", ["UPDATE request SET round_id = NULL WHERE id = {request}"],
        "promise", "promise", "in round none",
    ),
    Corruption(
        "promised-within-asked", ["UPDATE request SET people = 2 WHERE id = {request}"],
        "request", "request", "2 people, 3 promised",
    ),
    Corruption(
        "nobody-vanishes", ["UPDATE waiting SET session_id = {smaller}, most_km = NULL WHERE session_id IS NULL"],
        "booking", "lost", "taken back by account:1 at 2026-03-02 02:00:00+00",
    ),
    Corruption(
        "nothing-outdoors-in-bad-weather", ["UPDATE session SET exam_id = {practical} WHERE id = {other}"],
        "session", "other", "a practical on 2026-04-17, flagged at 2026-03-02 02:00:00+00: 台风",
    ),
    Corruption(
        "confirmed-before-frozen", ["UPDATE session SET confirmed_at = NULL WHERE id = {first}"],
        "session", "first", "is CLOSED, confirmed at no time",
    ),
    Corruption(
        "relocated-by-act", ["UPDATE booking SET is_relocated = true WHERE id = {taken}"],
        "booking", "taken", "in session {to_come}, moved to none, promise none",
    ),
    Corruption(
        "nothing-in-two-sessions",
        [("UPDATE session s SET starts_at = o.starts_at, ends_at = o.ends_at FROM session o"
         " WHERE s.id = {again} AND o.id = {first}")],
        "session", "again", "staff {e1} is also in a session until",
        also("claims-and-reasons"),
    ),
    Corruption(
        "no-claims-overlap",
        ["ALTER TABLE claim DROP CONSTRAINT ex_claim_one_place_at_a_time",
         ("UPDATE claim SET during = (SELECT tstzrange(starts_at, ends_at) FROM session WHERE id = {first})"
         " WHERE session_id = {again}")],
        "session", "again", "staff {e1} is also in a session until",
        also("claims-and-reasons"),
    ),
    Corruption(
        "claims-and-reasons",
        ["DELETE FROM claim WHERE session_id = {to_come} AND resource = 'STAFF' AND resource_id = {e1}"],
        "session", "to_come", "staff {e1} is needed and not claimed",
    ),
    Corruption(
        "claims-and-reasons",
        [("INSERT INTO claim (session_id, resource, resource_id, during)"
         " SELECT id, 'WORKER', {w5}, tstzrange(starts_at, ends_at) FROM session WHERE id = {to_come}")],
        "session", "to_come", "worker {w5} is claimed without a reason",
    ),
    Corruption(
        "room-of-its-site", ["UPDATE room SET site_id = {empty}"],
        "session", "to_come", "of site {empty}",
    ),
    Corruption(
        "nobody-twice",
        ["DROP INDEX uq_booking_once_a_session",
         "UPDATE booking SET worker_id = {w1} WHERE id = {taken}",
         "DELETE FROM claim WHERE session_id = {to_come} AND resource = 'WORKER' AND resource_id = {w2}"],
        "session", "to_come", "worker {w1} has 2 places",
    ),
    Corruption(
        "tier-is-lowest-cover",
        ["UPDATE session SET tier = 'TOWN', jurisdiction_id = {town} WHERE id = {to_come}"],
        "session", "to_come", "the lowest that covers all is {office} (OFFICE)",
    ),
    Corruption(
        "tier-is-lowest-cover", ["UPDATE session SET tier = 'BUREAU' WHERE id = {to_come}"],
        "session", "to_come", "BUREAU at jurisdiction {office}",
        also("needed-consents-given"),
    ),
    Corruption(
        "tier-is-lowest-cover", ["UPDATE enterprise SET office_id = {elsewhere} WHERE id = {enterprise}"],
        "session", "to_come", "which covers 1 of 2; the lowest that covers all is {bureau} (BUREAU)",
        also("needed-consents-given", "drawn-are-held-or-booked"),
    ),
    Corruption(
        "needed-consents-given",
        ["UPDATE consent SET state = 'VOID' WHERE id = {last_consent}",
         moved("consent", "{last_consent}", "AGREED", "VOID")],
        "session", "drove", "no consent of exam_body",
    ),
    Corruption(
        "no-answer-outstanding",
        [("INSERT INTO consent (id, session_id, party, enterprise_id, state, due_at)"
         " VALUES ({stranger}, {to_come}, 'HOST', {enterprise}, 'ASKED', now())"),
         moved("consent", "{stranger}", None, "ASKED")],
        "consent", "stranger", "the consent of host is ASKED",
    ),
    Corruption(
        "answered-by-who-was-asked",
        [("UPDATE consent SET answered_by_id = (SELECT id FROM account WHERE role = 'AUDITOR')"
         " WHERE id = {last_consent}")],
        "consent", "last_consent", "(auditor)",
    ),
    Corruption(
        "states-by-listed-moves",
        ["UPDATE audit_entry SET actor = '' WHERE entity = 'round' AND to_state = 'PLANNING'"],
        "round", "round", 'by "" goes from "COLLECTING" to "PLANNING"',
    ),
    Corruption(
        "states-by-listed-moves",
        ["DELETE FROM audit_entry WHERE entity = 'round' AND to_state = 'CONSULTING'"],
        "round", "round", 'from "CONSULTING" to "PUBLISHED" after "PLANNING"',
    ),
    Corruption(
        "states-by-listed-moves",
        ["UPDATE round SET state = 'COLLECTING' WHERE id = {round}",
         moved("round", "{round}", "PUBLISHED", "COLLECTING")],
        "round", "round", 'from "PUBLISHED" to "COLLECTING" after "PUBLISHED"',
    ),
    Corruption(
        "history-ends-in-state", ["UPDATE round SET state = 'CANCELLED' WHERE id = {round}"],
        "round", "round", 'is "CANCELLED", its history ends in "PUBLISHED"',
    ),
    Corruption(
        "history-ends-in-state", ["DELETE FROM renewal WHERE id = {renewal}"],
        "renewal", "renewal", 'is "", its history ends in "GRANTED"',
    ),
    Corruption(
        "trail-untouched",
        ["UPDATE audit_entry SET at = at - interval '1 day' WHERE entity = 'round' AND to_state = 'PUBLISHED'"],
        "round", "round", "the one before of",
    ),
    Corruption(
        "trail-untouched",
        [("INSERT INTO audit_entry (id, at, actor, act, entity, entity_id, detail)"
         " VALUES (1000000, now(), 'test', 'revised', 'item', {item}, '{{}}')")],
        "item", "item", "entry 1000000 was never given out",
    ),
    Corruption(
        "guards-in-place", ["ALTER TABLE booking DISABLE TRIGGER guard_state"],
        "booking", "", "trigger guard_state is switched off",
    ),
    Corruption(
        "guards-in-place", ["DROP TRIGGER announce ON booking"], "booking", "", "trigger announce is missing"
    ),
    Corruption(
        "guards-in-place", ["ALTER TABLE session DISABLE TRIGGER tell_change"],
        "session", "", "trigger tell_change is switched off",
    ),
    Corruption(
        "guards-in-place", ["DROP TRIGGER append_only ON audit_entry"],
        "audit_entry", "", "trigger append_only is missing",
    ),
    Corruption(
        "moves-as-in-code", ["DELETE FROM transition WHERE entity = 'plan' AND from_state = 'CURRENT'"],
        "plan", "", 'from "CURRENT" to "SUPERSEDED" is missing',
    ),
    Corruption(
        "moves-as-in-code", ["INSERT INTO transition VALUES ('round', 'PUBLISHED', 'COLLECTING')"],
        "round", "", 'from "PUBLISHED" to "COLLECTING" is not listed in code',
    ),
    Corruption(
        "plans-keep-their-rules",
        ["UPDATE plan SET answer = jsonb_set(answer, '{{unplaced,0,people}}', '1')"],
        "plan", "plan", "r1",
    ),
    Corruption(
        "plans-cost-what-they-say", ["UPDATE plan SET cost_fen = 250"],
        "plan", "plan", "row says 250.00 fen, its sessions cost 200.00",
    ),
    Corruption(
        "messages-accounted-for",
        ["ALTER TABLE outbox_message DROP CONSTRAINT ck_outbox_message_ends_in_one_way",
         "UPDATE outbox_message SET is_dead = true, is_withheld = true WHERE id = {message}"],
        "outbox_message", "message", "delivered never, dead, withheld, due",
    ),
    Corruption(
        "messages-accounted-for", ["UPDATE outbox_message SET is_withheld = true WHERE id = {message}"],
        "outbox_message", "message", "not dead, withheld, due",
    ),
    Corruption(
        "attempts-logged", ["DELETE FROM delivery_attempt"],
        "outbox_message", "sent", "1 attempts, 0 logged, the last: delivered",
    ),
    Corruption(
        "attempts-logged", ["UPDATE delivery_attempt SET failure = 'answered 500'"],
        "outbox_message", "sent", "1 attempts, 1 logged, the last: answered 500",
    ),
    Corruption(
        "events-to-their-body", ["UPDATE outbox_message SET recipient = 'exam_body:7' WHERE id = {event}"],
        "outbox_message", "event", "session.changed for exam_body:7, endpoint of exam body {listener}",
    ),
    Corruption(
        "one-answer-a-key", ["UPDATE idempotency_key SET answer = NULL"],
        "idempotency_key", "key", "0 answers",
    ),
    Corruption(
        "results-by-the-rule", ["UPDATE result SET mark = 69 WHERE id = {passed}"],
        "result", "passed", "PASSED with mark 69, pass mark 70",
    ),
    Corruption(
        "results-of-their-booking", ["UPDATE booking SET attendance = 'EXPECTED' WHERE id = {passed_booking}"],
        "result", "passed", "EXPECTED, CONFIRMED",
    ),
    Corruption(
        "closed-with-all-results", ["DELETE FROM result WHERE id = {missed}"],
        "booking", "missed_booking", "session {first} is closed, worker {w5} has no result",
    ),
    Corruption(
        "attempts-counted", ["UPDATE result SET attempt = 3 WHERE id = {retaken}"],
        "result", "retaken", "attempt 3, in order 2, with 1 retakes allowed",
    ),
    Corruption(
        "retakes-in-their-window", ["UPDATE result SET retake_until = '2026-02-15' WHERE id = {failed}"],
        "result", "retaken", "sat on 2026-02-20 after FAILED on 2026-02-10, window 2026-02-11 to 2026-02-15",
    ),
    Corruption(
        "windows-by-the-rule", ["UPDATE result SET retake_until = '2027-02-11' WHERE id = {failed}"],
        "result", "failed", "window 2026-02-11 to 2027-02-11 of 12 months",
    ),
    Corruption(
        "windows-by-the-rule",
        ["UPDATE result SET retake_from = '2026-02-11', retake_until = '2026-03-11' WHERE id = {missed}"],
        "result", "missed", "ABSENT on 2026-02-10",
    ),
    Corruption(
        "ages-when-booked", ["UPDATE worker SET born_on = '1965-01-01' WHERE id = {w1}"],
        "booking", "named", "worker {w1} was 61 when booked, admitted are 18 to 60",
    ),
    Corruption(
        "certificates-earned",
        [("INSERT INTO certificate (id, worker_id, item_id, rule_id, state, decision_due_at)"
         " VALUES ({stranger}, {w4}, {item}, {rule}, 'PENDING', now())"),
         moved("certificate", "{stranger}", None, "PENDING")],
        "certificate", "stranger", "worker {w4} has no pass of exam",
    ),
    Corruption(
        "certificates-earned", ["UPDATE result SET sat_on = '2024-01-10' WHERE id = {passed}"],
        "certificate", "old", "(theory) that counts beside the one on",
        also("results-of-their-booking", "gated-in-order"),
    ),
    Corruption(
        "gated-in-order",
        [("UPDATE result SET outcome = 'FAILED', mark = 60, retake_from = sat_on + 1, retake_until = sat_on + 300"
         " WHERE id = {passed}")],
        "result", "driven", "theory passed on no day",
        also("certificates-earned"),
    ),
    Corruption(
        "replaced-by-a-new-exam",
        ["UPDATE certificate SET state = 'REPLACED' WHERE id = {renewed}",
         moved("certificate", "{renewed}", "VALID", "REPLACED")],
        "certificate", "renewed", "no later one was earned",
    ),
    Corruption(
        "valid-as-long-as-ruled", ["UPDATE certificate SET expires_on = '2031-03-01' WHERE id = {renewed}"],
        "certificate", "renewed", "says 4 years",
    ),
    Corruption(
        "renewals-succeeded", ["UPDATE certificate SET renews_id = NULL WHERE id = {renewed}"],
        "certificate", "old", "is RENEWED, its successor is none",
        also("renewals-granted"),
    ),
    Corruption(
        "renewals-granted", ["UPDATE renewal SET successor_id = NULL WHERE id = {renewal}"],
        "renewal", "renewal", "is GRANTED",
    ),
    Corruption(
        "renewals-succeeded",
        ["UPDATE certificate SET issued_on = '2026-03-02', expires_on = '2030-03-02' WHERE id = {renewed}"],
        "certificate", "renewed", "renews {old}, which is of worker",
    ),
    Corruption(
        "renewals-by-the-rule", ["UPDATE renewal SET applied_at = '2026-02-02' WHERE id = {renewal}"],
        "renewal", "renewal", "GRANTED, applied for on 2026-02-02 of 2026-02-01",
    ),
    Corruption(
        "renewals-by-the-rule", ["UPDATE renewal SET had_no_long_break = NULL WHERE id = {renewal}"],
        "renewal", "renewal", "declared true and nothing",
    ),
    Corruption(
        "renewals-by-the-rule", ["UPDATE worker SET born_on = '1960-01-31' WHERE id = {w3}"],
        "renewal", "renewal", "aged 66 of 65",
        also("ages-when-booked"),
    ),
]  # fmt: skip


@dataclass(frozen=True)
class Audited:
    """A database with the clean world in it; tests leave it as it was."""

    database: Database
    world: World


@pytest_asyncio.fixture(scope="module")
async def audited(maintenance: asyncpg.Connection, template: str, url_of: UrlOf) -> AsyncIterator[Audited]:
    name = f"doorstep_audit_{secrets.token_hex(4)}"
    await maintenance.execute(f"create database {name} template {template} strategy file_copy")
    database = Database(url_of(name), pool=Pool(ping_first=False))
    async with database.writing(actor="account:1", now=make.NOW) as db:
        world = await make_world(db)
    world.ids["stranger"] = STRANGER
    yield Audited(database, world)
    await database.close()
    await maintenance.execute(f"drop database {name} with (force)")


async def found_after(audited: Audited, statements: Sequence[str]) -> list[Violation]:
    """What the auditor finds after these statements, which are taken back."""
    async with audited.database.engine.connect() as connection, AsyncSession(connection) as db:
        # As the owner of the server can: no trigger and no foreign key speaks up in this transaction.
        await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in statements:
            await connection.exec_driver_sql(statement.format(**audited.world.ids))
        found = await audit(db)
        await connection.rollback()
    return found


async def test_in_a_clean_world_every_promise_holds_for_some_row(audited: Audited) -> None:
    async with audited.database.reading() as db:
        looked = await verdicts(db)

    assert [violation for verdict in looked for violation in verdict.violations] == []
    assert [verdict.name for verdict in looked if verdict.checked == 0] == []


@pytest.mark.parametrize(
    "corruption", CORRUPTIONS, ids=[f"{n}-{corruption.invariant}" for n, corruption in enumerate(CORRUPTIONS)]
)
async def test_the_corrupted_row_is_named(audited: Audited, corruption: Corruption) -> None:
    ids = audited.world.ids

    found = await found_after(audited, corruption.statements)

    named = [row for row in found if row.invariant == corruption.invariant]
    assert (corruption.entity, ids.get(corruption.row, 0)) in {(row.entity, row.entity_id) for row in named}
    assert corruption.found.format(**ids) in "\n".join(row.found for row in named)
    assert {row.invariant for row in found} == {corruption.invariant} | corruption.also


@pytest.mark.parametrize(("revised_at", "found"), [("2026-03-01", ["ages-when-booked"]), ("2026-03-03", [])])
async def test_a_rule_revised_after_a_booking_does_not_judge_it(
    audited: Audited, revised_at: str, found: list[str]
) -> None:
    """The sessions to come are on 15 April, and their people were booked on 2 March."""
    younger = (
        "INSERT INTO item_rule SELECT (r).* FROM (SELECT jsonb_populate_record(item_rule, jsonb_build_object("
        "'id', {stranger}, 'in_force_from', '2026-04-01', 'most_age', 30)) AS r FROM item_rule WHERE id = {rule}) new"
    )
    noted = (
        "INSERT INTO audit_entry (at, actor, act, entity, entity_id, detail)"
        " VALUES ('ON_DAY', 'account:1', 'rule revised', 'item_rule', {stranger}, '{{}}')"
    ).replace("ON_DAY", revised_at)

    violations = await found_after(audited, [younger, noted])

    assert sorted({violation.invariant for violation in violations}) == found


async def test_each_invariant_is_shown_to_fail() -> None:
    names = [invariant.name for invariant in INVARIANTS]

    assert len(set(names)) == len(names)
    assert {corruption.invariant for corruption in CORRUPTIONS} == set(names)


async def test_the_number_of_statements_does_not_grow_with_the_rows(database: Database) -> None:
    asked: list[str] = []
    event.listen(database.engine.sync_engine, "after_cursor_execute", lambda *given: asked.append(given[2]))
    counts = []
    for _ in range(2):
        async with database.writing(actor="account:1", now=make.NOW) as db:
            await make_world(db)
        asked.clear()
        async with database.reading() as db:
            assert await audit(db) == []
        counts.append(len(asked))

    assert counts[0] == counts[1] < 2 * len(INVARIANTS) + 5
