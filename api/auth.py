"""From a request's credential to its caller."""

from starlette.requests import HTTPConnection

from models.database import Database
from scheduler.accounts import TOKEN_LIFETIME, caller_with
from scheduler.api_keys import caller_by_key, is_key, is_use_due, note_use
from scheduler.callers import Caller
from scheduler.clock import Clock

COOKIE_LIFETIME_SECONDS = int(TOKEN_LIFETIME.total_seconds())
BEARER = "bearer "


def cookie_name(*, is_secure: bool) -> str:
    """The session cookie's name; browsers accept the `__Host-` prefix over TLS only."""
    return "__Host-doorstep" if is_secure else "doorstep"


def token_of(request: HTTPConnection, *, is_secure: bool) -> str | None:
    """The token of a request: its Authorization header, else its cookie."""
    header = request.headers.get("authorization", "")
    if header.lower().startswith(BEARER):
        return header[len(BEARER) :].strip()
    return request.cookies.get(cookie_name(is_secure=is_secure))


async def caller_from(database: Database, clock: Clock, token: str | None) -> Caller | None:
    """The caller that a token stands for; None without a token, or with one that no longer counts."""
    if token is None:
        return None
    now = clock()
    if not is_key(token):
        async with database.reading() as db:
            return await caller_with(db, token, now=now)
    async with database.reading() as db:
        caller = await caller_by_key(db, token, now=now)
        is_due = caller is not None and await is_use_due(db, caller.key_id or 0, now=now)
    if caller is not None and caller.key_id is not None and is_due:
        async with database.writing(actor=caller.actor, now=now) as db:
            await note_use(db, caller.key_id, now=now)
    return caller
