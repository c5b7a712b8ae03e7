"""A node says whether it may be sent work, and leaves in order: not ready first, then finished, then gone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta

import asyncpg
import httpx
import pytest
import pytest_asyncio

from models.database import Database
from models.demand import Request
from models.vocabulary import RequestState, Role
from tests import factories as make
from tests.operations.nodes import Node, metric, readiness

pytestmark = pytest.mark.asyncio

PASSWORD = "jia-men-kou"  # noqa: S105 - of a made-up account
SIGN_IN = (
    "mutation ($login: String!, $password: String!) { signIn(input: {login: $login, password: $password}) { token } }"
)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def nodes(database_url: str) -> Iterator[Callable[..., Node]]:
    """Start nodes; those that a failing test left behind are ended."""
    started: list[Node] = []

    def start(*words: str) -> Node:
        started.append(Node(database_url, *words))
        return started[-1]

    yield start
    for node in started:
        node.end()


@pytest_asyncio.fixture
async def outside(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own, to stand in a node's way."""
    connection = await database.connect()
    yield connection
    await connection.close()


async def until_somebody_waits(database: Database) -> None:
    async with asyncio.timeout(60):
        while True:
            async with database.at_once() as connection:
                if await connection.fetchval(WAITING):
                    return
            await asyncio.sleep(0.05)


async def until_not_ready(*urls: str) -> None:
    async with asyncio.timeout(60):
        for url in urls:
            while (await asyncio.to_thread(readiness, url))[0] != 503:  # noqa: ASYNC110 - it happens elsewhere
                await asyncio.sleep(0.05)


async def test_a_service_told_to_stop_is_not_ready_first_and_answers_what_it_was_asked(
    database: Database, nodes: Callable[..., Node], outside: asyncpg.Connection
) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        account = await make.make_account(db, role=Role.OPERATOR, password=PASSWORD)
    node = nodes("serve", "--port", "0", "--drain-seconds", "3")
    operations = await asyncio.to_thread(node.operations)
    served = await asyncio.to_thread(node.served)
    well = {"database": "ok", "migrations": "ok", "listener": "ok", "draining": "ok"}
    assert await asyncio.to_thread(readiness, operations) == (200, well)
    assert await asyncio.to_thread(readiness, served) == (200, well)
    lock = outside.transaction()
    await lock.start()
    await outside.execute("SELECT FROM account WHERE id = $1 FOR UPDATE", account.id)

    async with httpx.AsyncClient(timeout=60) as client:
        sent = {"query": SIGN_IN, "variables": {"login": account.login, "password": PASSWORD}}
        asked = asyncio.create_task(client.post(f"{served}/graphql", json=sent))
        await until_somebody_waits(database)
        node.tell_to_stop()
        await until_not_ready(operations, served)
        assert not asked.done()
        await lock.rollback()
        answer = await asked

    assert answer.json()["data"]["signIn"]["token"]
    assert await asyncio.to_thread(node.ended) == 0


async def test_a_worker_told_to_stop_finishes_the_step_that_runs(
    database: Database, nodes: Callable[..., Node], outside: asyncpg.Connection
) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        district = await make.make_district(db)
        enterprise = await make.make_enterprise(db, office=district.office)
        request = await make.make_request(db, enterprise=enterprise, exam=district.item.theory)
    await outside.execute(
        "CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$"
    )
    await outside.execute(
        "CREATE TRIGGER wait_for_the_test AFTER UPDATE ON request FOR EACH ROW EXECUTE FUNCTION wait_for_the_test()"
    )
    await outside.execute("SELECT pg_advisory_lock(1)")
    node = nodes("work")
    operations = await asyncio.to_thread(node.operations)
    await until_somebody_waits(database)
    checks = {"database": "ok", "migrations": "ok", "listener": "ok", "claim_loop": "ok", "draining": "ok"}
    assert await asyncio.to_thread(readiness, operations) == (200, checks)

    node.tell_to_stop()
    await until_not_ready(operations)
    assert node.process.poll() is None
    await outside.execute("SELECT pg_advisory_unlock(1)")

    assert await asyncio.to_thread(node.ended) == 0
    async with database.reading() as db:
        assert (await db.get_one(Request, request.id)).state is RequestState.LAPSED


async def test_metrics_tell_what_is_late(database: Database, nodes: Callable[..., Node]) -> None:
    async with database.writing(actor="test", now=make.NOW) as db:
        district = await make.make_district(db)
        enterprise = await make.make_enterprise(db, office=district.office)
        session = await make.make_session(
            db, site=district.site, exam=district.item.theory, exam_body=district.exam_body
        )
        over = {"held_until": make.NOW + timedelta(minutes=20)}
        await make.make_hold(db, session=session, enterprise=enterprise, people=3, **over)
    node = nodes("serve", "--port", "0")
    operations = await asyncio.to_thread(node.operations)

    def figure(name: str) -> float:
        return metric(operations, name)

    assert await asyncio.to_thread(figure, "doorstep_rows_readable") == 1
    assert await asyncio.to_thread(figure, "doorstep_places_set_aside_past_expiry") == 3
    assert await asyncio.to_thread(figure, 'doorstep_job_lag_seconds{job="places lapse"}') > 0
    assert await asyncio.to_thread(figure, "doorstep_outbox_lag_seconds") == 0
