from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from graphql import GraphQLNamedType
from strawberry.printer import print_schema

from api.cli import answer
from api.graphql.schema import schema

ROOT = Path(__file__).parents[2]


def test_the_schema_file_is_what_the_code_speaks() -> None:
    assert (ROOT / "schema.graphql").read_text(encoding="utf-8") == print_schema(schema) + "\n"
    assert answer(["schema", "--check", str(ROOT / "schema.graphql")]) == 0


def test_the_printed_schema_passes_its_own_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["schema"]) == 0

    (tmp_path / "printed").write_text(capsys.readouterr().out, encoding="utf-8")
    assert answer(["schema", "--check", str(tmp_path / "printed")]) == 0


@pytest.mark.parametrize("other", [b"type Query {}\n", b""])
def test_another_schema_is_named_with_the_way_out(
    other: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old").write_bytes(other)

    assert answer(["schema", "--check", str(tmp_path / "old")]) == 1

    assert f"doorstep schema > {tmp_path / 'old'}" in capsys.readouterr().err.replace("\n", " ")


def test_a_file_that_is_not_there_is_not_the_schema(tmp_path: Path) -> None:
    assert answer(["schema", "--check", str(tmp_path / "none")]) == 1


def test_everything_in_the_schema_says_what_it_means() -> None:
    kinds = schema._schema.type_map  # noqa: SLF001 - graphql-core's own schema is inside

    assert [name for name, kind in kinds.items() if not kind.description] == []
    assert list(silent_parts(kinds)) == []


def silent_parts(kinds: Mapping[str, GraphQLNamedType]) -> Iterator[str]:
    for name, kind in kinds.items():
        parts = {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}
        for part, value in parts.items() if not name.startswith("__") else ():
            if not value.description:
                yield f"{name}.{part}"
            for argument, its in getattr(value, "args", {}).items():
                if not its.description:
                    yield f"{name}.{part}({argument})"
