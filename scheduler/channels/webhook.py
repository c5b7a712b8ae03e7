"""
Webhooks in the Standard Webhooks form: each event is posted with its id, the time of this attempt, and signatures.

A signature is `v1,` and the HMAC-SHA256, in base64, of id, timestamp and body joined by dots. While a secret retires
there is one with each of the two.
"""

import asyncio
import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from scheduler.channels.addresses import CheckedBackend
from scheduler.channels.http import LONGEST, Call, calling, post
from scheduler.channels.letter import Letter, Outcome


@dataclass(frozen=True)
class WebhookChannel:
    """Posts to the addresses that partners gave: public ones only, but for this machine's own where that is allowed."""

    to_loopback: bool = False
    longest: timedelta = LONGEST

    async def deliver(self, letters: Sequence[Letter], *, now: datetime) -> Sequence[Outcome]:
        """Post all letters side by side."""
        async with calling(CheckedBackend(self.to_loopback)) as pool:
            posts = (post(pool, signed(letter, now=now), now=now, longest=self.longest) for letter in letters)
            return [_judged(outcome) for outcome in await asyncio.gather(*posts)]


def signed(letter: Letter, *, now: datetime) -> Call:
    """The call with its three headers."""
    timestamp, content = str(int(now.timestamp())), letter.body.encode()
    said = b".".join([str(letter.key).encode(), timestamp.encode(), content])
    signatures = [base64.b64encode(hmac.digest(secret, said, "sha256")).decode() for secret in letter.secrets]
    headers = {
        "webhook-id": str(letter.key),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
    return Call(letter.address, headers, content)


def _judged(outcome: Outcome) -> Outcome:
    """By the standard, 410 Gone says that nothing more is wanted here; everything else may pass."""
    if outcome.status == HTTPStatus.GONE:
        return replace(outcome, is_final=True, is_gone=True)
    return outcome
