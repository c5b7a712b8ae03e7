"""Rows of a model that let nobody begin the later of two requests before the earlier is done."""

from itertools import pairwise

import numpy as np

from scheduler.allocation.milp import Model
from scheduler.allocation.scope import Scope
from scheduler.allocation.space import Floats, Ints


def add_following(model: Model, scope: Scope, seat: Ints, weight: Floats) -> None:
    """At every rank, no more people have begun the later request than were done with the earlier in time."""
    following = scope.space.following
    request = scope.space.pairs.request[scope.pairs]
    start = scope.space.options.start[scope.space.pairs.option[scope.pairs]]
    for link in range(len(following.later)):
        done = np.nonzero(request == following.earlier[link])[0]
        begun = np.nonzero(request == following.later[link])[0]
        ready, spare = following.opens[link, start[done]], scope.slack[link]
        for rank in telling_ranks(start[begun], spare):
            row = model.add_rows(1, low=-float(spare[rank]))
            for at, sign in ((done[ready <= rank], 1.0), (begun[start[begun] <= rank], -1.0)):
                model.put(np.repeat(row, len(at)), seat[at], sign * weight[at])


def telling_ranks(begins: Ints, spare: Ints) -> list[int]:
    """The ranks whose rows say more than the row before them: somebody more may begin, or less is to spare."""
    count = np.searchsorted(np.sort(begins), np.arange(len(spare)), side="right")
    grown = [at + 1 for at, (a, b) in enumerate(pairwise(count.tolist())) if b > a]
    tighter = [at + 1 for at, (a, b) in enumerate(pairwise(spare.tolist())) if b < a]
    told = {0, *grown, *tighter} if len(spare) else set()
    return sorted(rank for rank in told if count[rank] or spare[rank] < 0)
