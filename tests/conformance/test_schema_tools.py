"""The schema and sample documents, read by the tools that partners use."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from tests.conformance.node import node, suite

pytestmark = [pytest.mark.asyncio, pytest.mark.conformance]

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "schema.graphql"
RELEASED = ROOT / "schema.release.graphql"
# Its day is the day of the run: what was announced until then may go.
TODAY = datetime.now(UTC).date().isoformat()


async def broken(tmp_path: Path, before: str, after: str) -> dict[str, list[str]]:
    """What breaks between two schemas."""
    (tmp_path / "before.graphql").write_text(before)
    (tmp_path / "after.graphql").write_text(after)
    said: dict[str, list[str]] = orjson.loads(
        await node("schema", "diff.mjs", f"{tmp_path}/before.graphql", f"{tmp_path}/after.graphql", "2027-06-01")
    )
    return said


async def test_graphql_eslint_finds_no_error() -> None:
    assert orjson.loads(await node("schema", "lint.mjs", str(SCHEMA))) == []


async def test_graphql_eslint_would_find_one(tmp_path: Path) -> None:
    (tmp_path / "poor.graphql").write_text('"""Read."""\ntype Query {\n  someThing: String\n}\n')

    found = orjson.loads(await node("schema", "lint.mjs", f"{tmp_path}/poor.graphql"))

    assert [each["ruleId"] for each in found if each["line"] == 3] == ["@graphql-eslint/require-description"]


async def test_nothing_breaks_what_the_last_release_promised() -> None:
    said = orjson.loads(await node("schema", "diff.mjs", str(RELEASED), str(SCHEMA), TODAY))

    assert said == {"breaking": [], "undated": []}


@pytest.mark.parametrize(
    ("reason", "breaking"),
    [
        (None, ["Field 'b' was removed from object type 'Query'"]),
        ("Use a.", ["Field 'b' (deprecated) was removed from object type 'Query'"]),
        ("Use a; goes on 2027-06-02.", ["Field 'b' (deprecated) was removed from object type 'Query'"]),
        ("Use a; goes on 2027-06-01.", []),
    ],
    ids=["not announced", "without a date", "too early", "when it was announced for"],
)
async def test_a_field_goes_when_its_announced_day_has_come(
    tmp_path: Path, reason: str | None, breaking: list[str]
) -> None:
    mark = f' @deprecated(reason: "{reason}")' if reason else ""

    said = await broken(tmp_path, f"type Query {{ a: Int b: Int{mark} }}", "type Query { a: Int }")

    assert said["breaking"] == breaking


async def test_a_deprecation_has_a_date(tmp_path: Path) -> None:
    after = 'type Query { a(x: Int @deprecated(reason: "No.")): Int b: Int @deprecated(reason: "From 2027-09-01 on.") }'

    assert (await broken(tmp_path, "type Query { a(x: Int): Int b: Int }", after))["undated"] == ["Query.a.x"]


async def test_graphql_codegen_writes_types_for_every_example() -> None:
    examples = sorted(map(str, (ROOT / "api" / "web" / "examples").glob("*.graphql")))

    written = await node("schema", "codegen.mjs", str(SCHEMA), *examples)

    assert "export type PlacesQuery = " in written
    assert "export type SignInMutation = " in written


async def test_relay_compiler_takes_pages_refetching_and_mutations(tmp_path: Path) -> None:
    shutil.copytree(suite("schema") / "relay", tmp_path / "src")
    shutil.copy(SCHEMA, tmp_path / "schema.graphql")
    config = {"src": "./src", "schema": "./schema.graphql", "language": "javascript"}
    (tmp_path / "relay.config.json").write_bytes(orjson.dumps(config))

    compiler = suite("schema") / "node_modules" / "relay-compiler" / "cli.js"
    said = await node("schema", str(compiler), "relay.config.json", inside=tmp_path)

    assert "Done." in said
    assert (tmp_path / "src" / "__generated__" / "SessionsPageQuery.graphql.js").exists()
