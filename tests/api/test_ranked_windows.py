"""Ranked windows over GraphQL and on the command line."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from api.commands.recount import NothingToRecount, recount_result
from models.database import Database
from models.vocabulary import Role
from models.windows import Application, RankedWindow
from scheduler import awarding
from tests import factories as make
from tests.asking import act, global_id, read
from tests.scenes import ANY_SHARE, Firm, Scene, scene

pytestmark = pytest.mark.asyncio

UNTIL = make.NOW + timedelta(days=7)
APPLIED = "applications { id key people state position window { id } workers { name } }"
RESULT = "id state seedHash result { document hash seed places entries { key people deadline since lot isPlaced } }"


async def opened(database: Database, **policy: float) -> tuple[Scene, str]:
    at = await scene(database, places=2, policy=ANY_SHARE | policy)
    wanted = {"sessionId": global_id("Session", at.session.id), "applyUntil": UNTIL.isoformat()}
    bureau = await at.caller(Role.BUREAU)
    payload = await act(
        database, bureau, "rankedWindowOpen", wanted, f"window {{ {RESULT} session {{ rankedUntil }} }}"
    )
    assert payload["refused"] == []
    assert payload["window"]["result"] is None
    assert payload["window"]["session"]["rankedUntil"] == UNTIL.isoformat()
    return at, payload["window"]["id"]


async def apply(at: Scene, window: str, firm: Firm, *places: int, **also: Any) -> Any:
    workers = [global_id("Worker", key) for key in firm.ids(*places)]
    wanted = {"windowId": window, "workerIds": workers} | also
    return await act(at.database, firm.caller, "rankedWindowApply", wanted, APPLIED)


async def rank(at: Scene) -> None:
    async with at.database.writing(actor="job:windows are ranked", now=UNTIL) as db:
        assert await awarding.rank_due(db, UNTIL) == 1


async def test_a_firm_applies_is_ranked_and_finds_itself_in_the_published_order(database: Database) -> None:
    at, window = await opened(database)
    other = await at.another_session(places=3, day=make.SESSION_DAY + timedelta(days=7))
    mine, theirs = await at.another_firm(2), await at.another_firm(2)
    refused = await act(
        database, mine.caller, "placesHold", {"sessionId": global_id("Session", at.session.id), "people": 1},
        "alternatives { session { id } }",
    )  # fmt: skip
    (first,) = (await apply(at, window, theirs))["applications"]
    (own,) = (await apply(at, window, mine))["applications"]
    again = await apply(at, window, mine)
    before = (await read(database, at.firm.caller, f"{{ rankedWindows {{ nodes {{ {RESULT} }} }} }}"))["rankedWindows"]

    await rank(at)
    document = f"{{ rankedWindows(states: [RANKED]) {{ nodes {{ {RESULT} }} }} }}"
    (ranked,) = (await read(database, at.firm.caller, document))["rankedWindows"]["nodes"]
    wanted = "state key position waiting { state position } alternatives { kind session { id } }"
    seen = [
        (await read(database, firm.caller, f"{{ applications {{ nodes {{ {wanted} }} }} }}"))["applications"]["nodes"]
        for firm in (mine, theirs)
    ]

    assert refused["refused"] == ["RANKED_WINDOW input people"]
    assert refused["alternatives"] == [{"session": {"id": global_id("Session", other.id)}}]
    assert again["refused"] == ["ALREADY_APPLIED input workerIds 0", "ALREADY_APPLIED input workerIds 1"]
    assert before["nodes"][0]["result"] is None
    published = json.loads(ranked["result"]["document"])
    assert published["seed_hash"] == before["nodes"][0]["seedHash"] == ranked["seedHash"]
    assert {each["key"] for each in ranked["result"]["entries"]} == {first["key"], own["key"]}
    states = {nodes[0]["state"]: nodes[0] for nodes in seen}
    assert set(states) == {"PLACED", "QUEUED"}
    assert states["QUEUED"]["waiting"] == {"state": "WAITING", "position": 1}
    assert states["QUEUED"]["alternatives"] == [
        {"kind": "OTHER_SITE", "session": {"id": global_id("Session", other.id)}}
    ]
    assert states["PLACED"]["alternatives"] == []


async def test_the_seed_is_told_to_nobody_before_the_result(database: Database) -> None:
    at, window = await opened(database)
    seed = (await at.row(RankedWindow, 1)).seed

    for role in (Role.BUREAU, Role.AUDITOR, Role.OPERATOR):
        caller = await at.caller(role)
        told = await read(database, caller, f"{{ rankedWindows {{ nodes {{ {RESULT} }} }} }}")
        assert seed not in json.dumps(told)
    assert window


async def test_only_the_bureau_opens_and_only_firms_apply_and_withdraw_their_own(database: Database) -> None:
    at, window = await opened(database)
    (own,) = (await apply(at, window, at.firm, 0))["applications"]
    wanted = {"sessionId": global_id("Session", at.session.id), "applyUntil": UNTIL.isoformat()}
    another, office = await at.another_firm(), await at.caller(Role.OFFICE)

    by_firm = await act(database, at.firm.caller, "rankedWindowOpen", wanted)
    by_office = await act(database, office, "rankedWindowApply", {"windowId": window, "workerIds": []})
    foreign = await act(database, another.caller, "applicationWithdraw", {"applicationId": own["id"]})
    nobody = await apply(at, window, Firm(another.enterprise, another.caller, []))
    gone = await act(
        database, at.firm.caller, "applicationWithdraw", {"applicationId": own["id"]}, "application { state }"
    )
    twice = await act(database, at.firm.caller, "applicationWithdraw", {"applicationId": own["id"]})

    assert (by_firm["refused"], by_office["refused"]) == (["NOT_ALLOWED"], ["NOT_ALLOWED"])
    assert foreign["refused"] == ["NOT_FOUND input applicationId"]
    assert nobody["refused"] == ["BAD_INPUT input workerIds"]
    assert (gone["application"]["state"], twice["refused"]) == ("WITHDRAWN", ["WRONG_STATE input applicationId"])


async def a_published_result(at: Scene, window: str) -> Any:
    """What two firms came to, as anybody may save it."""
    await apply(at, window, at.firm, 0, 1, together=False)
    await apply(at, window, await at.another_firm(2))
    await rank(at)
    (node,) = (await read(at.database, at.firm.caller, f"{{ rankedWindows {{ nodes {{ {RESULT} }} }} }}"))[
        "rankedWindows"
    ]["nodes"]
    return json.loads(node["result"]["document"])


async def test_a_saved_result_is_recounted_without_a_database(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document, file = await a_published_result(*await opened(database)), tmp_path / "result.json"
    file.write_text(json.dumps(document))

    same = await recount_result(file)
    said = capsys.readouterr().out
    document["entries"].reverse()
    file.write_text(json.dumps(document))
    differs = await recount_result(file)

    assert (same, said) == (0, f"The same: {document['hash']}\n")
    assert differs == 1
    assert f"Differs: position 1 belongs to {document['entries'][-1]['key']}" in capsys.readouterr().out


async def test_a_result_is_recounted_by_its_id_with_the_rows_behind_it(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    at, window = await opened(database)
    document = await a_published_result(at, window)

    codes = [await recount_result(window=window), await recount_result(window="1", as_json=True)]
    said = capsys.readouterr().out
    async with at.writing(UNTIL) as db:
        last = (await db.exec(select(Application).where(col(Application.position) == 3))).one()
        last.since -= timedelta(days=1)  # type: ignore[operator]  # it was ranked
    after = await recount_result(window=window)

    assert codes == [0, 0]
    assert '"same": true' in said
    assert after == 1
    assert "position 3 says" in capsys.readouterr().out
    assert document["window"] == 1


@pytest.mark.parametrize("window", ["2", "1", "x", global_id("Session", 1), None])
async def test_what_is_no_result_cannot_be_recounted(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, window: str | None
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    await opened(database)
    (tmp_path / "other.json").write_text('{"format": "doorstep-plan/1"}')

    with pytest.raises(NothingToRecount):
        await recount_result(None if window else tmp_path / "other.json", window=window)
