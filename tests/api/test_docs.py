"""What partners read names every code and every limit."""

import re
from pathlib import Path

from api.graphql import limits
from api.graphql.limits import SHAPE, Limit
from api.graphql.stops import Stop
from scheduler.refusals import Code

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def test_every_code_has_its_paragraph_and_no_other_has() -> None:
    explained = re.findall(r"\*\*([A-Z_]{4,})\*\*", API.partition("## When it says no")[2])

    assert sorted(explained) == sorted([*Code, *Stop])


def test_every_limit_is_named_with_its_number() -> None:
    known = [each for each in vars(limits).values() if isinstance(each, Limit)] + [limit for limit, _ in SHAPE]

    assert len(known) == 11
    for limit in known:
        assert re.search(rf"\| `{limit.name}`[^|]* \| {limit.most:,} \|", API), limit.name
