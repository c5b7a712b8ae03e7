"""Firms ask for their workers' exams."""

from collections import defaultdict

from api.demo.documents import ITEMS, MY_WORKERS, REQUEST_SUBMIT
from api.demo.stage import Stage, item_key
from scheduler.district.values import Request


async def firms_ask(stage: Stage) -> int:
    """Every request of the district, submitted by its firm; how many people they are for."""
    items = {item_key(item): item["id"] for item in (await stage.bureau.ask(ITEMS))["items"]}
    names = {worker.key: worker.name for worker in stage.district.workers}
    by_firm: dict[str, list[Request]] = defaultdict(list)
    for request in stage.district.requests:
        by_firm[request.enterprise].append(request)
    for code, requests in by_firm.items():
        await firm_asks(stage, code, requests, items=items, names=names)
    return sum(request.people for request in stage.district.requests)


async def firm_asks(
    stage: Stage, code: str, requests: list[Request], *, items: dict[str, str], names: dict[str, str]
) -> None:
    """One firm looks up its workers and submits its requests."""
    clerk = stage.crowd(stage.logins.enterprises[code])
    workers = {worker["name"]: worker["id"] async for worker in clerk.pages(MY_WORKERS)}
    stage.asking_firms.add(code)
    for request in requests:
        stage.named_later[code, request.item] += [workers[names[key]] for key in request.named_later]
        await clerk.act(
            REQUEST_SUBMIT,
            itemId=items[request.item],
            people=request.people,
            workerIds=[workers[names[key]] for key in request.named],
            earliestDay=request.earliest_day.isoformat(),
            latestDay=request.latest_day.isoformat(),
            keepTogether=request.keep_together,
            mostKm=request.most_km,
        )
        stage.ledger.counts["requests"] += 1
        stage.ledger.counts["people asked for"] += request.people
