"""Refusals as data: the user errors of a payload, and the codes of a failed query."""

import re
import uuid
from typing import Any

import strawberry
import structlog
from graphql import GraphQLError
from sqlalchemy.exc import DBAPIError

from api.graphql.stops import Stop, Stopped
from scheduler.constraints import refusal_of
from scheduler.refusals import Alternative, Code, Refusal, Refused

log = structlog.get_logger()

HINT = re.compile(r" Did you mean .*?\?(?=$| )", re.DOTALL)
STATEMENT_ENDED = "57014"

RefusalCode = strawberry.enum(
    Code, name="RefusalCode", description="Why something was refused; codes are listed and stable."
)


@strawberry.interface(description="A *no* with its reason; nothing of the mutation was done.")
class UserError:
    """A refusal as a client sees it."""

    message: str = strawberry.field(description="What is wrong and the way out, in one or two sentences.")
    path: list[str] = strawberry.field(description="The input field that it is about, outermost first; empty if none.")
    code: Code = strawberry.field(description="The listed reason.")


@strawberry.type(description="A refusal by the rules.")
class RuleRefusal(UserError):
    """A refusal that concerns the whole input."""

    alternatives: strawberry.Private[tuple[Alternative, ...]] = ()
    waiting: strawberry.Private[int | None] = None


@strawberry.type(description="A refusal for this moment only; nothing was tried (请稍后重试).")
class BusyRefusal(UserError):
    """Too many came at once."""

    retry_after_milliseconds: int = strawberry.field(description="After how long to send the same again, key and all.")


@strawberry.type(description="A refusal that concerns one worker of several.")
class WorkerRefusal(UserError):
    """A refusal of one named person."""

    worker_id: strawberry.ID = strawberry.field(description="The worker it is about.")


@strawberry.interface(description="What a mutation answers: the entity it changed, or why it did not.")
class Payload:
    """The base of every mutation's answer."""

    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty when it was done."
    )


def as_user_errors(refused: Refused) -> list[UserError]:
    """The refusal's reasons as data."""
    return [as_user_error(reason) for reason in refused.reasons]


def as_user_error(reason: Refusal) -> UserError:
    """One reason as data."""
    path = list(reason.path)
    if reason.retry_ms is not None:
        return BusyRefusal(
            message=reason.message, path=path, code=reason.code, retry_after_milliseconds=reason.retry_ms
        )
    if reason.worker_id is None:
        return RuleRefusal(
            message=reason.message,
            path=path,
            code=reason.code,
            alternatives=reason.alternatives,
            waiting=reason.waiting,
        )
    worker = strawberry.relay.to_base64("Worker", reason.worker_id)
    return WorkerRefusal(message=reason.message, path=path, code=reason.code, worker_id=strawberry.ID(worker))


def as_public(error: GraphQLError, *, with_hints: bool = True) -> GraphQLError:
    """
    What a client may see: its own mistakes as they are, refusals with their code, ours masked and logged.

    Hints name what else there is in the schema, which is for those who are signed in.
    """
    cause: BaseException | None = error.original_error
    if isinstance(cause, DBAPIError):
        cause = refusal_of(cause) or (too_slow() if cause.orig and ended_by_time(cause.orig) else cause)
    if isinstance(cause, Stopped):
        return restated(error, str(cause), code=cause.code.value, **cause.facts)
    if isinstance(cause, Refused):
        reason = cause.reasons[0]
        return restated(error, reason.message, code=reason.code.value)
    if cause is None or isinstance(cause, GraphQLError):
        message = error.message if with_hints else HINT.sub("", error.message)
        return restated(error, message, code=Code.BAD_INPUT.value)
    correlation = uuid.uuid4().hex
    log.error("resolver failed", correlation=correlation, path=error.path, exc_info=cause)
    return restated(
        error,
        "Something went wrong on our side; quote the correlation id.",
        code=Stop.INTERNAL.value,
        correlationId=correlation,
    )


def ended_by_time(error: BaseException) -> bool:
    """Whether the server ended a statement, as it took too long."""
    return getattr(error, "sqlstate", None) == STATEMENT_ENDED


def too_slow() -> Stopped:
    """The answer to what takes longer than anybody waits."""
    return Stopped(Stop.TIMEOUT, "This takes too long, and was ended: ask for less at a time.")


def restated(error: GraphQLError, message: str, *, code: str, **facts: Any) -> GraphQLError:
    """The error with our own words, a listed code, and what a program needs to know beside it."""
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={"code": code, **facts},
    )
