"""Keys for partners' own systems: shown once, kept as hashes, found by their prefix, revoked at any moment."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hmac import compare_digest

from sqlmodel import col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.parties import Account, ApiKey
from models.vocabulary import KeyScope, Role
from scheduler.accounts import caller_of, hashed
from scheduler.callers import Caller, require, require_person
from scheduler.journal import note
from scheduler.refusals import Code, not_found, refuse
from scheduler.typed import refuse_any, why_not_text
from scheduler.visibility import visible

START = "dsk"
PREFIX_BYTES = 6
MOST_DAYS = 366
MOST_KEYS = 20
# Whoever looks wants the day, and a write for each request would cost more than the request.
NOTED_EVERY = timedelta(minutes=5)
WHO_HAS_SYSTEMS = (Role.ENTERPRISE, Role.OFFICE, Role.TOWN, Role.BUREAU, Role.EXAM_BODY, Role.EXAMINER)


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """A key with its scope and for how many days it counts."""

    name: str
    scope: KeyScope
    days: int


async def create_key(db: AsyncSession, order: KeyOrder, *, caller: Caller, now: datetime) -> tuple[ApiKey, str]:
    """
    Make a key for a system of the caller's.

    Returns:
        The row, and the whole key, which nobody can look up again.

    Raises:
        Refused: NOT_ALLOWED, BAD_INPUT for the name, OUT_OF_RANGE for the days or for too many keys.
    """
    require(caller, *WHO_HAS_SYSTEMS)
    require_person(caller)
    refuse_any(why_not_text(order.name, "input", "name"))
    if not 1 <= order.days <= MOST_DAYS:
        raise refuse(Code.OUT_OF_RANGE, f"A key counts for 1 to {MOST_DAYS} days.", "input", "days")
    # Two at the same time wait for each other, so that both do not find one key left.
    await db.exec(select(col(Account.id)).where(col(Account.id) == caller.account_id).with_for_update())
    if len((await db.exec(standing(caller, now))).all()) >= MOST_KEYS:
        raise refuse(Code.OUT_OF_RANGE, f"You have {MOST_KEYS} keys, the most there are: revoke one first.", "input")
    prefix, secret = secrets.token_hex(PREFIX_BYTES), secrets.token_urlsafe(32)
    row = ApiKey(
        account_id=caller.account_id,
        name=order.name.strip(),
        prefix=prefix,
        secret_hash=hashed(secret),
        scope=order.scope,
        made_at=now,
        expires_at=now + timedelta(days=order.days),
    )
    db.add(row)
    await db.flush()
    await note(db, "key created", "api_key", row.id, scope=order.scope.value)
    return row, f"{START}_{prefix}_{secret}"


def standing(caller: Caller, now: datetime) -> SelectOfScalar[ApiKey]:
    """The caller's keys that count."""
    return visible(ApiKey, caller).where(col(ApiKey.revoked_at).is_(None), col(ApiKey.expires_at) > now)


async def revoke_key(db: AsyncSession, key_id: int, *, caller: Caller, now: datetime) -> ApiKey:
    """
    Let a key count no more, from this moment on; a second time changes nothing.

    Raises:
        Refused: NOT_ALLOWED, NOT_FOUND.
    """
    require(caller, *WHO_HAS_SYSTEMS)
    require_person(caller)
    row = (await db.exec(visible(ApiKey, caller).where(col(ApiKey.id) == key_id).with_for_update())).one_or_none()
    if row is None:
        raise not_found("key", "input", "apiKeyId")
    if row.revoked_at is None:
        row.revoked_at = now
        await db.flush()
        await note(db, "key revoked", "api_key", row.id)
    return row


def is_key(token: str) -> bool:
    """Whether a token is a key, and no sign-in's."""
    return token.startswith(f"{START}_")


async def caller_by_key(db: AsyncSession, token: str, *, now: datetime) -> Caller | None:
    """The caller that a key stands for, or None when it is unknown, revoked or expired."""
    _, _, rest = token.partition("_")
    prefix, _, secret = rest.partition("_")
    found = select(ApiKey, Account).join(Account, col(ApiKey.account_id) == col(Account.id))
    counts = (col(ApiKey.prefix) == prefix, col(ApiKey.revoked_at).is_(None), col(ApiKey.expires_at) > now)
    pair = (await db.exec(found.where(*counts))).one_or_none()
    if pair is None or not compare_digest(pair[0].secret_hash, hashed(secret)):
        return None
    row, account = pair
    return replace(await caller_of(db, account), key_id=row.id, may_write=row.scope is KeyScope.WRITE)


async def note_use(db: AsyncSession, key_id: int, *, now: datetime) -> None:
    """Write down that a key was used, to a few minutes."""
    stale = or_(col(ApiKey.last_used_at).is_(None), col(ApiKey.last_used_at) < now - NOTED_EVERY)
    await db.exec(update(ApiKey).where(col(ApiKey.id) == key_id, stale).values(last_used_at=now))


async def is_use_due(db: AsyncSession, key_id: int, *, now: datetime) -> bool:
    """Whether a use of the key is worth writing down."""
    last = (await db.exec(select(col(ApiKey.last_used_at)).where(col(ApiKey.id) == key_id))).one()
    return last is None or last < now - NOTED_EVERY
