"""Rounds over GraphQL: who sees plans, and whose requests."""

from dataclasses import asdict
from typing import Any

import pytest
from starlette.responses import Response
from strawberry import relay

from api.graphql.context import Context, Service
from api.graphql.schema import schema
from models.database import Database
from models.rounds import Plan, Round
from models.vocabulary import ConsentParty, PlanState, RoundState
from scheduler.callers import Caller
from scheduler.clock import SetClock
from scheduler.solving import Progress
from tests import consulting as scene
from tests import factories as make
from tests.consulting import NOW

pytestmark = pytest.mark.asyncio

SEEN = """
query Seen($round: ID!) {
  rounds { nodes { number plans { version baselines { name costFen unplacedPeople } } plan { version }
                   publicationDiff { peopleTold requests { request { people } } } } }
  sessions(roundId: $round) { nodes { day } }
  consents(roundId: $round) { nodes { party } }
  requests { nodes { people } }
}
"""


async def seen_by(database: Database, caller: Caller, round_id: int) -> dict[str, Any]:
    context = Context(Service(database, SetClock(NOW), make.SEALER), caller=caller, token=None, response=Response())
    variables = {"round": relay.to_base64("Round", round_id)}
    result = await schema.execute(SEEN, variable_values=variables, context_value=context)
    assert result.errors is None
    assert result.data is not None
    return result.data


async def test_a_firm_sees_no_plans_and_no_other_firms_requests_and_the_bureau_sees_both(database: Database) -> None:
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, state=RoundState.CONSULTING)
        other = await scene.make_round(db, place, state=RoundState.PUBLISHED)
        ours, theirs = await scene.ask_for(db, place, place.firm, 6), await scene.ask_for(db, place, place.next_firm, 7)
        session = await scene.proposed(db, place, planned, place.yard, {ours.id: 6})
        await scene.asked(db, session, ConsentParty.OFFICE, place.office)
        baselines = {"centre": {"cost_fen": 5.0, "unplaced_people": 2}}
        documents = {"problem": {}, "answer": {}, "changes": {}, "baselines": baselines}
        own = {"round_id": planned.id, "version": 1, "state": PlanState.CURRENT, "made_at": NOW}
        db.add(Plan(**own, **documents, cost_fen=1, bound_fen=1))
        firm = await scene.caller_of(db, ConsentParty.HOST, place.next_firm)
        bureau = await scene.caller_of(db, ConsentParty.BUREAU, place.bureau)

    firms = await seen_by(database, firm, planned.id)
    bureaus = await seen_by(database, bureau, planned.id)
    others = await seen_by(database, bureau, other.id)

    assert firms["rounds"]["nodes"][0] == {"number": 1, "plans": [], "plan": None, "publicationDiff": None}
    assert (firms["sessions"]["nodes"], firms["consents"]["nodes"]) == ([], [])
    assert firms["requests"]["nodes"] == [{"people": theirs.people}]
    seen = bureaus["rounds"]["nodes"][0]
    assert seen["plans"] == [{"version": 1, "baselines": [{"name": "centre", "costFen": 5.0, "unplacedPeople": 2}]}]
    assert seen["publicationDiff"] == {"peopleTold": 0, "requests": [{"request": {"people": 6}}]}
    assert (bureaus["sessions"]["nodes"], bureaus["consents"]["nodes"]) == (
        [{"day": f"{scene.DAY}"}],
        [{"party": "OFFICE"}],
    )
    assert (others["sessions"]["nodes"], others["consents"]["nodes"]) == ([], [])


PROGRESS = "{ rounds { nodes { state searchProgress { phase costFen boundFen seconds } } } }"
STOP = """
mutation ($input: RoundSearchStopInput!) { roundSearchStop(input: $input) { round { state } userErrors { code path } } }
"""


async def answered(database: Database, caller: Caller, document: str, **taken: Any) -> dict[str, Any]:
    context = Context(Service(database, SetClock(NOW), make.SEALER), caller=caller, token=None, response=Response())
    result = await schema.execute(document, variable_values={"input": taken}, context_value=context)
    assert result.errors is None
    assert result.data is not None
    return result.data


async def test_the_bureau_sees_how_far_a_search_is_and_ends_it_and_a_firm_does_neither(database: Database) -> None:
    progress = Progress("improving", 1200.0, 900.0, 1.5)
    async with database.writing(actor="test", now=NOW) as db:
        place = await scene.make_place(db)
        planned = await scene.make_round(db, place, progress=asdict(progress))
        firm = await scene.caller_of(db, ConsentParty.HOST, place.next_firm)
        bureau = await scene.caller_of(db, ConsentParty.BUREAU, place.bureau)
    asked = {"roundId": relay.to_base64("Round", planned.id)}

    bureaus, firms = await answered(database, bureau, PROGRESS), await answered(database, firm, PROGRESS)
    refused, ended = await answered(database, firm, STOP, **asked), await answered(database, bureau, STOP, **asked)

    told = {"phase": "improving", "costFen": 1200.0, "boundFen": 900.0, "seconds": 1.5}
    assert bureaus["rounds"]["nodes"] == [{"state": "PLANNING", "searchProgress": told}]
    assert firms["rounds"]["nodes"] == [{"state": "PLANNING", "searchProgress": None}]
    assert [error["code"] for error in refused["roundSearchStop"]["userErrors"]] == ["NOT_ALLOWED"]
    assert ended["roundSearchStop"] == {"round": {"state": "PLANNING"}, "userErrors": []}
    (row,) = await scene.all_of(database, Round)
    assert row.stop_search is True
