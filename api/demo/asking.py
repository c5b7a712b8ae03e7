"""Firms ask for their workers' exams."""

from collections import defaultdict
from collections.abc import Container

from api.demo.documents import ITEMS, MY_WORKERS, REQUEST_SUBMIT
from api.demo.stage import Cast, item_key
from scheduler.district.values import Request


async def firms_ask(cast: Cast, *, silent: Container[str] = ()) -> None:
    """Every request of the district, submitted by its firm; the firms with `silent` credit codes keep theirs back."""
    items = {item_key(item): item["id"] for item in (await cast.bureau.ask(ITEMS))["items"]}
    names = {worker.key: worker.name for worker in cast.district.workers}
    by_firm: dict[str, list[Request]] = defaultdict(list)
    for request in cast.district.requests:
        by_firm[request.enterprise].append(request)
    for code, requests in by_firm.items():
        if code not in silent:
            await firm_asks(cast, code, requests, items=items, names=names)


async def firm_asks(
    cast: Cast, code: str, requests: list[Request], *, items: dict[str, str], names: dict[str, str]
) -> None:
    """One firm looks up its workers and submits its requests."""
    clerk = cast.crowd(cast.logins.enterprises[code])
    workers = {worker["name"]: worker["id"] async for worker in clerk.pages(MY_WORKERS)}
    cast.asking_firms.add(code)
    for request in requests:
        cast.named_later[code, request.item] += [workers[names[key]] for key in request.named_later]
        await clerk.act(
            REQUEST_SUBMIT,
            key=f"asked-{request.key}",
            itemId=items[request.item],
            people=request.people,
            workerIds=[workers[names[key]] for key in request.named],
            earliestDay=request.earliest_day.isoformat(),
            latestDay=request.latest_day.isoformat(),
            keepTogether=request.keep_together,
            mostKm=request.most_km,
        )
        cast.ledger.counts["requests"] += 1
        cast.ledger.counts["people asked for"] += request.people
