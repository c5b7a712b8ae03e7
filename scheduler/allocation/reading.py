"""From the objects of a problem file to the parts of a problem."""

from collections.abc import Mapping
from typing import Any

from scheduler.allocation.errors import ProblemError
from scheduler.allocation.fields import Record, checked_cost
from scheduler.allocation.parts import (
    After,
    Bar,
    Block,
    Costs,
    Item,
    Jurisdiction,
    MinPeople,
    Offer,
    Part,
    PinnedSession,
    Placement,
    Request,
    Site,
    StaffMember,
    Tier,
)

Travel = Mapping[str, Mapping[str, float]]


def read_block(row: Record) -> Block:
    """One half-day."""
    return Block(id=row.text("id"), date=row.day("date"), part=row.word("part", Part))


def read_jurisdiction(row: Record) -> Jurisdiction:
    """One bureau, town or office."""
    return Jurisdiction(id=row.text("id"), tier=row.word("tier", Tier), parent=row.optional_text("parent"))


def read_item(row: Record) -> Item:
    """One thing that can be held."""
    return Item(
        id=row.text("id"),
        staff=row.whole("staff", default=0),
        min_class=row.whole("min_class", default=0),
        length=row.whole("length", default=1, least=1),
    )


def read_offer(row: Record) -> Offer:
    """One item at a site."""
    return Offer(item=row.text("item"), places=row.whole("places"), open_cost=row.cost("open_cost"))


def read_site(row: Record) -> Site:
    """One place, with what it offers."""
    return Site(
        id=row.text("id"),
        jurisdiction=row.text("jurisdiction"),
        offers=tuple(read_offer(offer) for offer in row.records("offers", key="item")),
        at=row.point("at"),
        rooms=row.whole("rooms", default=1),
        rest_days=row.whole("rest_days", default=0),
        blocks=row.optional_texts("blocks"),
    )


def read_staff(row: Record) -> StaffMember:
    """One person who teaches, examines or inspects."""
    return StaffMember(
        id=row.text("id"),
        items=row.texts("items"),
        blocks=row.optional_texts("blocks"),
        max_blocks=row.whole("max_blocks") if row.has("max_blocks") else None,
        block_cost=row.cost("block_cost", default=0),
        recused=row.texts("recused"),
    )


def read_request(row: Record) -> Request:
    """One enterprise's wish."""
    return Request(
        id=row.text("id"),
        enterprise=row.text("enterprise"),
        jurisdiction=row.text("jurisdiction"),
        item=row.text("item"),
        people=row.whole("people", least=1),
        unplaced_cost=row.cost("unplaced_cost"),
        at=row.point("at"),
        from_block=row.optional_text("from"),
        until_block=row.optional_text("until"),
        not_blocks=row.texts("not_blocks"),
        together=row.flag("together"),
        wait_cost=row.cost("wait_cost", default=0),
        max_km=row.cost("max_km") if row.has("max_km") else None,
        after=read_after(row) if row.has("after") else None,
    )


def read_after(request: Record) -> After:
    """What a request's people must have sat before."""
    row = Record(f"{request.where}.after", nested(request, "after"))
    return After(request=row.text("request"), days=row.whole("days", default=0))


def read_placement(row: Record) -> Placement:
    """One pin, or one row of the earlier plan."""
    return Placement(
        request=row.text("request"), site=row.text("site"), block=row.text("block"), people=row.whole("people")
    )


def read_pinned_session(row: Record) -> PinnedSession:
    """One session that is held."""
    return PinnedSession(site=row.text("site"), item=row.text("item"), block=row.text("block"))


def read_min_people(row: Record) -> MinPeople:
    """One session's least."""
    return MinPeople(site=row.text("site"), item=row.text("item"), block=row.text("block"), people=row.whole("people"))


def read_bar(row: Record) -> Bar:
    """One objection."""
    return Bar(
        request=row.optional_text("request"),
        site=row.optional_text("site"),
        block=row.optional_text("block"),
        item=row.optional_text("item"),
        staff=row.optional_text("staff"),
    )


def read_costs(document: Record) -> Costs:
    """The prices of the whole problem."""
    row = Record("costs", nested(document, "costs"))
    tiers = Record("costs.tier", nested(row, "tier"))
    if unknown := sorted(set(tiers.values) - set(Tier)):
        raise ProblemError("costs.tier", f"names {unknown[0]!r}", way_out=f"use {', '.join(Tier)}")
    return Costs(
        per_person_km=row.cost("per_person_km", default=0),
        road_factor=row.cost("road_factor", default=1),
        tier={tier: tiers.cost(tier) for tier in Tier if tiers.has(tier)},
    )


def read_travel(document: Record) -> Travel | None:
    """The matrix that replaces distances, or None; a null entry is a way that does not exist."""
    if not document.has("travel"):
        return None
    matrix = Record("travel", nested(document, "travel"))
    rows = {request: nested(matrix, request) for request in matrix.values}
    return {
        request: {
            site: checked_cost(cost, f"travel[{request!r}][{site!r}]") for site, cost in row.items() if cost is not None
        }
        for request, row in rows.items()
    }


def nested(row: Record, name: str) -> Mapping[str, Any]:
    """
    The object under a field, empty where the field is absent.

    Raises:
        ProblemError: There is something else.
    """
    value = row.values.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise row.fault(name, f"is {value!r}", way_out="give an object")
    return value
