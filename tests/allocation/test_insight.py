"""Answers about a plan hold: bounds below, mended plans above, every place named a real one at its stated price."""

import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from scheduler.allocation import Limits, PlannedSession, Problem, ProblemError, Seating, Tier, allocate, verify
from scheduler.allocation.diff import difference
from scheduler.allocation.index import Index
from scheduler.allocation.insight import changes
from scheduler.allocation.insight.alternatives import Alternative, Counter
from scheduler.allocation.insight.locality import locality_curve
from scheduler.allocation.insight.moves import Mover
from scheduler.allocation.insight.objecting import Objections, replan_problem
from scheduler.allocation.insight.outlook import Outlook
from scheduler.allocation.insight.scarce import most_wanted
from scheduler.allocation.insight.sessions import accounts
from scheduler.allocation.insight.whatif import by_mending, by_prices, solved
from scheduler.allocation.insight.wishes import Wish, fulfilled, guess, mended
from scheduler.allocation.objective import terms_of
from scheduler.allocation.parts import Bar, Request
from scheduler.allocation.plan import Plan
from scheduler.allocation.rules import tier_of
from tests.allocation.following import following_problem
from tests.allocation.generated import random_problem

LIMITS = Limits(clock=time.monotonic, seconds=20, seed=1)
SEEDS = range(30)

Document = dict[str, Any]


def without(document: Document, *names: str) -> Document:
    return {name: value for name, value in document.items() if name not in names}


def outlook_of(document: Document) -> Outlook:
    problem = Problem.from_json(document)
    return Outlook.of(problem, allocate(problem, LIMITS), rounds=60)


def some_changes(problem: Problem) -> list[Problem]:
    first = [problem.sites[0].id] if problem.sites else []
    changed = [changes.close_site(problem, site) for site in first]
    changed += [changes.add_room(problem, site) for site in first]
    changed += [changes.add_staff(problem, [item.id]) for item in problem.items[:1]]
    changed += [changes.set_least_class(problem, item.id, max(0, item.min_class - 1)) for item in problem.items[:1]]
    changed += [changes.shift_window(problem, request.id, None, None) for request in problem.requests[:1]]
    return changed + [changes.withdraw(problem, request.id) for request in problem.requests[:1]]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_change_costs_no_less_than_the_prices_say_and_no_more_than_the_mended_plan(seed: int) -> None:
    outlook = outlook_of(random_problem(seed) if seed % 2 else following_problem(seed))

    for changed in some_changes(outlook.problem):
        best = allocate(changed, LIMITS).objective
        assert outlook.proof.bound + by_prices(outlook, changed) <= best + 1e-6
        most = by_mending(outlook, changed)
        assert most is not None
        assert outlook.plan.objective + most >= best - 1e-6


def test_a_change_is_solved_beside_the_plan_without_it() -> None:
    outlook = outlook_of(random_problem(3))
    changed = changes.close_site(outlook.problem, outlook.plan.sessions[0].site)

    answer = solved(outlook, changed, LIMITS)

    assert verify(changed, answer.changed) == []
    assert answer.unchanged.objective == pytest.approx(outlook.plan.objective)
    assert answer.extra_cost == pytest.approx(allocate(changed, LIMITS).objective - outlook.plan.objective)
    assert answer.least <= answer.extra_cost <= answer.most + 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wish_costs_no_less_than_guessed_and_what_it_costs_is_proven(seed: int) -> None:
    outlook = outlook_of(without(random_problem(seed), "pins"))

    for request in outlook.problem.requests[:2]:
        wish = Wish(request.id)
        first = guess(outlook, wish)
        if first is None:
            continue
        pinned = Wish(request.id, first.site, first.block)
        try:
            plan, extra = fulfilled(outlook, pinned, LIMITS)
        except ProblemError:
            continue  # recusals and objections to staff are not seen by prices
        assert outlook.proof.bound + first.extra_cost <= plan.objective + 1e-6
        assert extra >= -1e-6
        most = mended(outlook, pinned)
        assert most is None or most >= extra - 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_every_alternative_can_be_taken_at_its_stated_price(seed: int) -> None:
    document = without(random_problem(seed), "before", "change_cost", "travel")
    problem = Problem.from_json(document)
    plan = allocate(problem, LIMITS)
    counter = Counter(problem, plan)

    for asked in problem.requests:
        late = replace(asked, id="late", people=1, enterprise="another", after=None)
        larger = replace(problem, requests=(*problem.requests, late))
        for place in counter.alternatives(late):
            taken = with_taken(larger, plan, late, place)
            grown = taken.objective - plan.objective
            assert verify(larger, taken) == []
            assert grown == pytest.approx(place.extra_cost)


def with_taken(problem: Problem, plan: Plan, late: Request, place: Alternative) -> Plan:
    index, key = Index.of(problem), (place.site, late.item, place.block)
    held = {session.key: session for session in plan.sessions}
    if place.joins:
        session = held[key]
    else:
        counter = Counter(problem, plan)
        need = index.items[late.item].staff
        crew = counter.crew(late.item, place.block, need) if need else []
        session = PlannedSession(*key, Tier.OFFICE, tuple(crew or ()))
    seated = (*session.seated, Seating(late.id, late.people))
    tier = tier_of(index, place.site, [seat.request for seat in seated])
    assert tier is not None
    held[key] = replace(session, seated=seated, tier=tier)
    terms = terms_of(index, held.values())
    total = sum(terms.values())
    return replace(plan, sessions=tuple(held.values()), terms=terms, objective=total, bound=0.0)


def test_no_cheaper_alternative_is_overlooked() -> None:
    document = without(random_problem(11), "before", "change_cost", "travel")
    problem = Problem.from_json(document)
    counter = Counter(problem, allocate(problem, LIMITS))

    for request in problem.requests:
        every = counter.alternatives(replace(request, id="late"), count=10_000)
        assert counter.alternatives(replace(request, id="late")) == every[:3]
        assert [each.extra_cost for each in every] == sorted(each.extra_cost for each in every)


@pytest.mark.parametrize("seed", SEEDS)
def test_accounts_add_up_and_no_next_best_beats_a_best_plan(seed: int) -> None:
    outlook = outlook_of(without(random_problem(seed), "before", "change_cost"))

    found = accounts(outlook)

    spent = {name: cost for name, cost in outlook.plan.terms.items() if name not in ("unplaced", "change")}
    for name, cost in spent.items():
        assert sum(each.terms[name] for each in found) == pytest.approx(cost)
    assert all(each.next_best.extra_cost >= -1e-6 for each in found)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_more_of_a_scarce_means_saves_no_more_than_it_is_said_to_be_worth(seed: int) -> None:
    outlook = outlook_of(random_problem(seed))

    for scarce in most_wanted(outlook):
        larger = with_one_more(outlook.problem, scarce.kind, scarce.what, scarce.block)
        if larger is not None:
            assert allocate(larger, LIMITS).objective >= outlook.proof.bound - scarce.worth - 1e-6


def with_one_more(problem: Problem, kind: str, what: str, block: str | None) -> Problem | None:
    if kind == "room":
        return changes.add_room(problem, what)
    if kind == "half-day of a site" and block is not None:
        return changes.open_half_day(problem, what, block)
    if kind == "half-day of an examiner" and block is not None:
        person = next(each for each in problem.staff if each.id == what)
        if person.blocks is None or person.max_blocks is not None:
            return None
        more = replace(person, blocks=(*person.blocks, block))
        return replace(problem, staff=tuple(more if each.id == what else each for each in problem.staff))
    return None


@pytest.mark.parametrize("seed", [2, 5, 8, 13])
def test_as_consulting_gets_dearer_less_is_consulted_and_the_rest_costs_more(seed: int) -> None:
    document = following_problem(seed, requests=6)

    points = locality_curve(Problem.from_json(document), LIMITS)

    for before, after in pairwise(points):
        assert after.tier_cost <= before.tier_cost + 1e-6
        assert after.money >= before.money - 1e-6
    assert all(0 <= p.at_office + p.at_town + p.at_bureau + p.left_out <= 1 + 1e-9 for p in points)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_causes_of_all_moves_add_up_to_what_ways_waits_and_people_left_out_cost_more(seed: int) -> None:
    document = without(random_problem(seed), "travel", "before")
    problem = Problem.from_json(document)
    before, after = allocate(problem, LIMITS), allocate(replace(problem, barred=()), LIMITS)

    causes = Mover(Index.of(problem), after).causes(difference(before, after).moves)

    grown = [after.terms[name] - before.terms[name] for name in ("travel", "wait", "unplaced")]
    assert sum(cause.extra_cost for cause in causes) == pytest.approx(sum(grown), abs=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_re_plan_keeps_what_is_agreed_and_every_objection(seed: int) -> None:
    problem = Problem.from_json(without(random_problem(seed), "before"))
    plan = allocate(problem, LIMITS)
    if len(plan.sessions) < 2:
        return
    agreed, disputed = plan.sessions[0], plan.sessions[1]
    objection = Bar(site=disputed.site, item=disputed.item, block=disputed.block)
    kept = frozenset({agreed.key})
    if agreed.site == disputed.site and agreed.item == disputed.item:
        return  # of sessions that overlap, an objection to one may be an objection to the other

    following = replan_problem(problem, plan, Objections(barred=(objection,), agreed=kept), change_cost=1)
    later = allocate(following, LIMITS, start=plan)

    held = {session.key: session for session in later.sessions}
    assert verify(following, later) == []
    assert set(agreed.seated) <= set(held[agreed.key].seated)
    assert disputed.key not in held or not held[disputed.key].seated


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: changes.close_site(p, "nowhere"), "sites: has no 'nowhere'"),
        (lambda p: changes.add_staff(p, ["nothing"]), "items: has no 'nothing'"),
        (lambda p: changes.without_staff(p, "nobody"), "staff: has no 'nobody'"),
        (lambda p: changes.set_least_class(p, "i0", -1), "is -1"),
        (lambda p: changes.shift_window(p, "r0", "never", None), "names 'never'"),
        (lambda p: changes.withdraw(p, "r99"), "requests: has no 'r99'"),
    ],
)
def test_a_change_of_what_does_not_exist_is_refused_by_name(change: Any, says: str) -> None:
    with pytest.raises(ProblemError, match=says):
        change(Problem.from_json(random_problem(3)))
