"""A gateway for SMS or WeChat: each letter is a short text, posted as JSON with the message's id and a bearer token."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

import orjson

from scheduler.channels.http import LONGEST, Call, calling, post
from scheduler.channels.letter import Letter, Outcome
from scheduler.settings import Secret

# Four parts of an SMS in Chinese; what is longer can be read after signing in.
LONGEST_TEXT = 268
_CUT = "… (sign in to read on)"
COURTESY = " (退订: courtesiesDecline)"
# The number or the text is at fault, and will be the next time.
_IN_VAIN = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)


@dataclass(frozen=True)
class GatewayChannel:
    """Posts to the operator's own gateway, which may well be inside the house."""

    url: str
    token: Secret[str] | None = None
    longest: timedelta = LONGEST

    async def deliver(self, letters: Sequence[Letter], *, now: datetime) -> Sequence[Outcome]:
        """Post all letters side by side."""
        async with calling() as pool:
            calls = (post(pool, self._call(letter), now=now, longest=self.longest) for letter in letters)
            return [_judged(outcome) for outcome in await asyncio.gather(*calls)]

    def _call(self, letter: Letter) -> Call:
        headers = {"idempotency-key": str(letter.key)}
        if self.token:
            headers["authorization"] = f"Bearer {self.token.reveal()}"
        said = {"id": str(letter.key), "to": letter.address, "text": short(letter)}
        return Call(self.url, headers, orjson.dumps(said))


def short(letter: Letter) -> str:
    """Subject and body in one line, cut where it would be too long; a courtesy says how to unsubscribe."""
    text, more = " ".join(f"{letter.subject}: {letter.body}".split()), COURTESY if letter.is_courtesy else ""
    room = LONGEST_TEXT - len(more)
    return (text if len(text) <= room else text[: room - len(_CUT)].rstrip() + _CUT) + more


def _judged(outcome: Outcome) -> Outcome:
    return replace(outcome, is_final=True) if outcome.status in _IN_VAIN else outcome
