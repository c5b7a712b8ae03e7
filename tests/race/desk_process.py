"""
An API process to be killed: reads one write a line (key, document, input), answers each through the schema.

Run as a program by `test_crashes.py`, with the database's address and a clerk's account.
"""

import asyncio
import json
import sys

from starlette.responses import Response

from api.graphql.context import Context, Service
from api.graphql.schema import schema
from models.database import Database
from models.vocabulary import Role
from scheduler.callers import Caller
from scheduler.clock import SetClock
from tests.factories import NOW, SEALER


async def serve(url: str, caller: Caller) -> None:
    """Answer line by line until the input ends or the process is killed."""
    database = Database(url)
    service = Service(database, SetClock(NOW), SEALER)
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        context = Context(service, caller=caller, token=None, response=Response())
        context.idempotency_key = asked["key"]
        done = await schema.execute(asked["document"], variable_values=asked["variables"], context_value=context)
        told = {"data": done.data, "errors": [error.message for error in done.errors or []]}
        print(json.dumps(told), flush=True)  # noqa: T201  # the answer
    await database.close()


if __name__ == "__main__":
    who = json.loads(sys.argv[2])
    asyncio.run(serve(sys.argv[1], Caller(**{**who, "role": Role(who["role"])})))
