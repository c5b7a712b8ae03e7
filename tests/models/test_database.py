"""Transactions begin, end and fail as promised; a database that cannot be used says so in one sentence."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from models import database as module
from models.database import Database, DatabaseTooOld, DatabaseUnreachable, DatabaseUrlWrong, Pool

pytestmark = pytest.mark.asyncio
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PASSWORD = "hunter2"  # noqa: S105 - nobody's


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where somebody listens and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def ask(database: Database, question: str) -> object:
    async with database.reading() as db:
        return (await (await db.connection()).execute(text(question))).scalar()


async def test_a_transaction_knows_its_actor_and_time(database: Database) -> None:
    question = text("select current_setting('doorstep.actor'), current_setting('doorstep.now')::timestamptz")

    async with database.writing(actor="account:12", now=NOON) as db:
        row = (await (await db.connection()).execute(question)).one()

    assert tuple(row) == ("account:12", NOON)
    assert not await ask(database, "select current_setting('doorstep.actor', true)")


async def test_leaving_commits_and_raising_rolls_back(database: Database) -> None:
    async with database.writing(actor="job:test", now=NOON) as db:
        await (await db.connection()).execute(text("create table kept as select 1 as number"))

    async def fail() -> None:
        async with database.writing(actor="job:test", now=NOON) as db:
            await (await db.connection()).execute(text("insert into kept values (2)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await ask(database, "select array_agg(number) from kept") == [1]


async def test_an_error_does_not_repeat_what_somebody_typed(database: Database) -> None:
    with pytest.raises(DBAPIError) as failed:
        async with database.reading() as db:
            await (await db.connection()).execute(text("select 1 / 0 where 'x' <> :typed"), {"typed": PASSWORD})

    assert "division by zero" in str(failed.value)
    assert PASSWORD not in str(failed.value)


async def test_being_cancelled_rolls_back(database: Database) -> None:
    async with database.writing(actor="job:test", now=NOON) as db:
        await (await db.connection()).execute(text("create table kept (number int)"))

    async def slow() -> None:
        async with database.writing(actor="job:test", now=NOON) as db:
            await (await db.connection()).execute(text("insert into kept values (2)"))
            await (await db.connection()).execute(text("select pg_sleep(30)"))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slow(), timeout=0.3)

    assert await ask(database, "select count(*) from kept") == 0


async def test_a_reader_cannot_write_and_the_next_writer_can(database: Database) -> None:
    with pytest.raises(DBAPIError, match="read-only transaction"):
        await ask(database, "create table forbidden (number int)")

    async with database.writing(actor="job:test", now=NOON) as db:
        await (await db.connection()).execute(text("create table allowed (number int)"))


async def test_many_readers_share_a_small_pool(database_url: str) -> None:
    small = Database(database_url, pool=Pool(size=2))

    answers = await asyncio.gather(
        *(ask(small, f"select {number} + 0 * length(pg_sleep(0.01)::text)") for number in range(20))
    )

    assert answers == list(range(20))
    await small.close()


@pytest.mark.parametrize(("actor", "now"), [("", NOON), ("job:test", NOON.replace(tzinfo=None))])
async def test_nobody_writes_anonymously_or_outside_time(database: Database, actor: str, now: datetime) -> None:
    with pytest.raises(ValueError, match="actor and an aware time"):
        async with database.writing(actor=actor, now=now):
            pass


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_every_spelling_of_an_address_is_understood(database_url: str, scheme: str) -> None:
    url = database_url.replace("postgresql+asyncpg", scheme)
    spelled = Database(f"{url}&connect_timeout=3&application_name=doorstep&channel_binding=prefer")

    await spelled.check()

    assert await ask(spelled, "select current_setting('application_name')") == "doorstep"
    await spelled.close()


@pytest.mark.parametrize(
    "url", ["sqlite:///doorstep.db", "mysql://a:hunter2@h/d", "doorstep", "", "postgres://a:hunter2@[::1/d"]
)
async def test_what_is_no_postgresql_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(DatabaseUrlWrong, match="DATABASE_URL") as refused:
        Database(url)

    assert PASSWORD not in str(refused.value)


async def test_a_wrong_password_database_or_setting_is_named(database_url: str) -> None:
    place = make_url(database_url)
    wrong = [
        (place.set(password=PASSWORD), "password authentication failed"),
        (place.set(database="elsewhere"), '"elsewhere" does not exist'),
        (place.update_query_dict({"colour": "blue"}), "colour"),
        (place.update_query_dict({"sslmode": "perhaps"}), "cannot be understood"),
    ]

    for url, said in wrong:
        with pytest.raises(DatabaseUrlWrong, match=said) as refused:
            await Database(url.render_as_string(hide_password=False)).check()
        assert "DATABASE_URL" in str(refused.value)
        assert str(place.password) not in str(refused.value)
        assert PASSWORD not in str(refused.value)


async def test_a_password_with_a_slash_is_not_repeated() -> None:
    with pytest.raises(DatabaseUrlWrong) as refused:
        await Database("postgres://a:hun/ter2@h/d").check()

    assert "hun" not in str(refused.value)


@pytest.mark.parametrize("place", ["127.0.0.1:1", "nobody.invalid"])
async def test_nobody_there_is_said(place: str) -> None:
    with pytest.raises(DatabaseUnreachable, match=r"DATABASE_URL.*start it") as refused:
        await Database(f"postgres://a:{PASSWORD}@{place}/d").check()

    assert PASSWORD not in str(refused.value)


async def test_a_silent_listener_is_given_up(silent_port: int) -> None:
    with pytest.raises(DatabaseUnreachable, match="no answer in time"):
        await Database(f"postgres://a:b@127.0.0.1:{silent_port}/d?connect_timeout=1").check()


async def test_an_old_server_is_named_with_what_is_needed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await database.check()
    monkeypatch.setattr(module, "OLDEST_VERSION", 99)

    with pytest.raises(DatabaseTooOld, match=r"is PostgreSQL \d+.*99 or newer"):
        await database.check()
