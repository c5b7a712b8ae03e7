"""The allocator: demand and means in, sessions with people in them out, with a proof and reasons."""

from scheduler.allocation.errors import PlanError, ProblemError
from scheduler.allocation.limits import Limits, Progress
from scheduler.allocation.parts import Tier
from scheduler.allocation.plan import Plan, PlannedSession, Reason, Seating, Stop, Unplaced
from scheduler.allocation.problem import Problem
from scheduler.allocation.solver import allocate
from scheduler.allocation.verify import Violation, verify

__all__ = [
    "Limits",
    "Plan",
    "PlanError",
    "PlannedSession",
    "Problem",
    "ProblemError",
    "Progress",
    "Reason",
    "Seating",
    "Stop",
    "Tier",
    "Unplaced",
    "Violation",
    "allocate",
    "verify",
]
