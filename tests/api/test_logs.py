"""Nothing that a person typed is ever written to the log, whatever goes wrong."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import pytest
import structlog
from sqlalchemy import text

from api.app import application
from api.commands import logs
from api.graphql.context import Service
from models.database import Database
from models.vocabulary import Role
from scheduler.clock import SetClock
from scheduler.jobs import Job
from scheduler.worker import JobFailed, Worker
from tests import factories as make
from tests.asking import global_id
from tests.factories import NOW, SEALER

NAME, NUMBER, PHONE = "欧阳独一无二", "31011719900307888X", "13900009999"
PASSWORD = "ni-cai-bu-dao"  # noqa: S105 - of a made-up account
PERSONAL = (NAME, NUMBER, PHONE, PASSWORD, "19900307", "1990-03-07")
SIGN_IN = "mutation ($i: SignInInput!) { signIn(input: $i) { token userErrors { code } } }"
REGISTER = "mutation ($i: WorkerRegisterInput!) { workerRegister(input: $i) { worker { id } userErrors { code } } }"
OFFICE = "mutation ($i: EnterpriseRegisterInput!) { enterpriseRegister(input: $i) { userErrors { code } } }"


@contextmanager
def as_the_program_logs() -> Iterator[None]:
    """The log as the program sets it up, from the lowest level on."""
    before = logging.getLogger().handlers[:]
    logs.set_up(least=logging.DEBUG)
    try:
        yield
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers[:] = before


class Person:
    """Somebody who sends operations over HTTP."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client, self.token = client, ""

    async def send(self, document: str, **given: Any) -> Any:
        sent = {"query": document, "variables": {"i": given}}
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return (await self.client.post("/graphql", json=sent, headers=headers)).json()


def a_worker(**given: Any) -> dict[str, Any]:
    own = {"name": NAME, "documentKind": "RESIDENT_ID", "documentNumber": NUMBER, "education": "JUNIOR_SECONDARY"}
    return own | given


@pytest.mark.asyncio
async def test_a_day_of_operations_leaves_no_personal_data_in_the_log(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        district = await make.make_district(db)
        firm = await make.make_enterprise(db, office=district.office, contact_name=NAME, contact_phone=PHONE)
        clerk = await make.make_account(db, role=Role.ENTERPRISE, party=firm, password=PASSWORD, name=NAME)
    office = global_id("Jurisdiction", district.office.id)
    app = application(Service(database=database, clock=SetClock(NOW), sealer=SEALER))
    transport = httpx.ASGITransport(app)
    with as_the_program_logs():
        async with httpx.AsyncClient(transport=transport, base_url="http://doorstep") as client:
            person = Person(client)

            await person.send(SIGN_IN, login=NAME, password=PASSWORD)
            await person.send(SIGN_IN, login=clerk.login, password=NUMBER)
            signed_in = await person.send(SIGN_IN, login=clerk.login, password=PASSWORD)
            person.token = signed_in["data"]["signIn"]["token"]
            done = await person.send(REGISTER, **a_worker())
            again = await person.send(REGISTER, **a_worker())
            await person.send(REGISTER, **a_worker(documentNumber=f"{NUMBER}{PHONE}"))
            await person.send(REGISTER, **a_worker(education=NAME))
            await person.send(f'{{ node(id: "{NUMBER}") {{ id }} }} # {NAME}')
            await person.send(f'{{ {{ "{NAME}" {PHONE}')
            await person.send(
                OFFICE,
                creditCode=NUMBER,
                name=NAME,
                contactName=NAME,
                contactPhone=PHONE,
                officeId=office,
            )
            # What nobody foresees: a constraint that we do not know refuses the row, and PostgreSQL quotes it whole.
            async with database.writing(actor="test", now=NOW) as db:
                await db.exec(text("ALTER TABLE worker ADD CONSTRAINT unforeseen CHECK (name = '') NOT VALID"))  # type: ignore[call-overload]
            failed = await person.send(
                REGISTER, **a_worker(documentKind="PASSPORT", documentNumber="E12345678", bornOn="1990-03-07")
            )
            logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: %r", ValueError(NAME))

    said = capsys.readouterr().err
    assert done["data"]["workerRegister"]["worker"]
    assert again["data"]["workerRegister"]["userErrors"]
    assert failed["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "unforeseen" in said
    assert not [each for each in PERSONAL if each in said]
    assert [orjson.loads(line)["event"] for line in said.splitlines()].count("Task exception was never retrieved") == 1


@pytest.mark.asyncio
async def test_a_job_that_fails_on_a_row_does_not_show_the_row(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(db: Any, _now: Any) -> int:
        await db.exec(text(f"INSERT INTO item (code, name, english_name) VALUES ('{NAME}', '{PHONE}', NULL)"))  # noqa: S608
        return 1

    job = Job("failing", fail, lambda: text("SELECT now() - interval '1 day'"))  # type: ignore[arg-type,return-value]
    async with Worker(database, SetClock(NOW), [job], pace=None) as worker:
        with as_the_program_logs(), pytest.raises(JobFailed):
            await worker._told_now(job)  # noqa: SLF001 - told directly, whatever is due

    await asyncio.sleep(0)
    said = capsys.readouterr().err
    assert "job_failed" in said
    assert not [each for each in PERSONAL if each in said]
