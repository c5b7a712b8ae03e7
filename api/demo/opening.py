"""What a newcomer finds: firms have asked, and a first round is planned for the three tiers to consult on."""

from collections.abc import Callable
from datetime import datetime

from api.demo.asking import firms_ask
from api.demo.documents import ROUND_OPEN, ROUND_PLAN, ROUNDS
from api.demo.round_calendar import calendar_from
from api.demo.stage import Cast

SEARCH_SECONDS = 10.0


async def has_begun(cast: Cast) -> bool:
    """Whether there is a round already."""
    return bool((await cast.bureau.ask(ROUNDS))["rounds"]["nodes"])


async def begin(cast: Cast, now: Callable[[], datetime]) -> None:
    """
    Every firm but the first asks, and the bureau opens a round and has it planned at once; the worker does the rest.

    The first firm is the newcomer's to play. Every request has its key: what was asked before a beginning was
    interrupted is not asked for twice.
    """
    await firms_ask(cast, silent={cast.district.enterprises[0].credit_code})
    first_wish = min(request.earliest_day for request in cast.district.requests)
    opened = await cast.bureau.act(
        ROUND_OPEN, **calendar_from(now(), first_wish), seed=1, timeLimitSeconds=SEARCH_SECONDS
    )
    await cast.bureau.act(ROUND_PLAN, roundId=opened["round"]["id"])
