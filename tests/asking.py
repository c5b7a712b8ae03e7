"""Asking the schema as somebody, in-process, with a clock that stands."""

from datetime import datetime
from typing import Any

from starlette.responses import Response
from strawberry.relay import to_base64

from api.graphql.context import Context, Service
from api.graphql.schema import schema
from models.database import Database
from scheduler.callers import Caller
from scheduler.clock import SetClock
from tests.factories import NOW, SEALER


async def ask(
    database: Database, caller: Caller | None, document: str, *, now: datetime = NOW, **variables: Any
) -> dict[str, Any]:
    """The whole answer: `data`, and `errors` with their codes if there are any."""
    service = Service(database=database, clock=SetClock(now), sealer=SEALER)
    context = Context(service, caller=caller, token=None, response=Response())
    done = await schema.execute(document, variable_values=variables, context_value=context)
    errors = [getattr(error.original_error, "reasons", [error])[0] for error in done.errors or []]
    return {"data": done.data, "errors": errors}


async def read(database: Database, caller: Caller, document: str, **variables: Any) -> Any:
    """What a query answers; it must go well."""
    answer = await ask(database, caller, document, **variables)
    assert not answer["errors"], answer["errors"]
    return answer["data"]


async def act(
    database: Database, caller: Caller, field: str, taken: dict[str, Any], wanted: str = "", **also: Any
) -> Any:
    """
    What a mutation answers: its payload, with code and path of every user error as `code path`.

    `wanted` is what to select of the payload beside its errors.
    """
    shape = f"{field[0].upper()}{field[1:]}Input"
    document = (
        f"mutation ($input: {also.pop('shape', shape)}!)"
        f" {{ {field}(input: $input) {{ {wanted} userErrors {{ code path message }} }} }}"
    )
    answer = await ask(database, caller, document, input=taken, **also)
    assert not answer["errors"], answer["errors"]
    payload = answer["data"][field]
    payload["refused"] = [" ".join([each["code"], *each["path"]]) for each in payload["userErrors"]]
    return payload


def global_id(kind: str, key: int) -> str:
    """An opaque id as the API gives it."""
    return to_base64(kind, key)
