"""Objections become constraints: the problem of a re-plan that keeps what it can of the plan before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from scheduler.allocation.parts import Bar, MinPeople, PinnedSession, Placement
from scheduler.allocation.plan import Plan, PlannedSession
from scheduler.allocation.problem import Problem


@dataclass(frozen=True, slots=True)
class Objections:
    """
    What a consultation came to.

    Attributes:
        barred: What must not happen again.
        min_people: Sessions to be held with so many people or not at all.
        agreed: Keys of the sessions that stay as they are, with everybody in them.
    """

    barred: tuple[Bar, ...] = ()
    min_people: tuple[MinPeople, ...] = ()
    agreed: frozenset[tuple[str, str, str]] = frozenset()


def replan_problem(problem: Problem, plan: Plan, objections: Objections, *, change_cost: float) -> Problem:
    """The problem that follows a plan: objections kept, what is agreed pinned, every move of somebody else priced."""
    agreed = [session for session in plan.sessions if session.key in objections.agreed]
    return replace(
        problem,
        barred=(*problem.barred, *objections.barred),
        min_people=(*problem.min_people, *objections.min_people),
        pins=(*problem.pins, *placements(agreed)),
        pinned_sessions=(
            *problem.pinned_sessions,
            *(PinnedSession(session.site, session.item, session.block) for session in agreed),
        ),
        before=placements(plan.sessions),
        change_cost=change_cost,
    )


def placements(sessions: Sequence[PlannedSession]) -> tuple[Placement, ...]:
    """Who sits where."""
    return tuple(
        Placement(seat.request, session.site, session.block, seat.people)
        for session in sessions
        for seat in session.seated
    )
