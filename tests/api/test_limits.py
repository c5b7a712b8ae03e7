"""One limits rule, linear in the document: what is too large is refused before it costs anything."""

from typing import Any

import pytest
from graphql import get_introspection_query

from api.graphql.documents import MOST_DOCUMENTS, Document, Documents, prepared
from api.graphql.schema import schema
from api.graphql.stops import Stop, Stopped
from api.graphql.weights import Weight
from models.database import Database
from tests.asking import ask

GRAPHQL = schema._schema  # noqa: SLF001 - graphql-core's own schema is inside
DEEP = "node(id: 1) { ... on Session { exam { item { exams { item { exams { item { exams { item { exams {"
TOO_LARGE = {
    "characters": "{ viewer { name } }" + " " * 10_000,
    "tokens": "{ " + "".join(f"f{at} " for at in range(1_000)) + "}",
    "nested brackets": "{ node(id: " + "[" * 41,
    "repeats of one name": "{ viewer { " + "name " * 61 + "} }",
    "fields": "{ viewer { ...A ...B } } fragment A on Viewer { ...B ...B } fragment B on Viewer { "
    + " ".join(f"f{at}" for at in range(201))
    + "}",
    "levels": f"{{ {DEEP} item {{ exams {{ item {{ exams {{ item {{ exams {{ id" + " }" * 18,
    "aliases": "{ viewer { " + " ".join(f"n{at}: role" for at in range(31)) + "} }",
    "directives": "{ viewer { " + " ".join(f"f{at} @skip(if: true)" for at in range(31)) + "} }",
    "root fields": "{ " + " ".join(f"f{at}" for at in range(21)) + " }",
    "mutation fields": "mutation { " + " ".join(f"f{at}" for at in range(11)) + " }",
}


def fan_out(levels: int) -> str:
    """A text in which every fragment spreads the next one twice: written out, it has 2 to the power of its levels."""
    spreads = (f"fragment F{at} on Query {{ ...F{at + 1} ...F{at + 1} }}" for at in range(levels))
    return " ".join(["{ ...F0 }", *spreads, f"fragment F{levels} on Query {{ viewer {{ name }} }}"])


def weight(text: str, **variables: Any) -> Weight:
    document = prepared(GRAPHQL, text)
    return document.weight(document.operation(None), variables)


@pytest.mark.parametrize(("limit", "text"), TOO_LARGE.items(), ids=TOO_LARGE)
def test_a_document_beyond_a_limit_is_told_which(limit: str, text: str) -> None:
    with pytest.raises(Stopped) as stopped:
        prepared(GRAPHQL, text)

    assert (stopped.value.code, stopped.value.facts["limit"]) == (Stop.LIMIT_EXCEEDED, limit)
    assert f"limit of {stopped.value.facts['most']:,} {limit}" in str(stopped.value)


def test_a_fan_out_of_fragments_is_counted_without_being_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    get_field = type(GRAPHQL).get_field
    monkeypatch.setattr(
        type(GRAPHQL), "get_field", lambda self, *given: looked_at.append(given) or get_field(self, *given)
    )

    with pytest.raises(Stopped, match="fields is exceeded by far"):
        prepared(GRAPHQL, fan_out(50))

    assert len(looked_at) == 2  # viewer and its name, once each


def test_fragments_that_spread_each_other_are_refused() -> None:
    text = "{ viewer { ...A } } fragment A on Viewer { name ...B } fragment B on Viewer { ...A }"

    assert not isinstance(caught(text), Document)


def caught(text: str) -> Document | Exception:
    try:
        return prepared(GRAPHQL, text)
    except Exception as error:  # noqa: BLE001  # any of them is what is asked for
        return error


@pytest.mark.parametrize("of", [{}, {"descriptions": True, "specified_by_url": True, "directive_is_repeatable": True}])
def test_graphiqls_introspection_is_within_all_limits(of: dict[str, bool]) -> None:
    assert weight(get_introspection_query(**of)).introspects


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("{ sessions(first: 20) { nodes { id site { name } } } }", 40),
        ("{ sessions { nodes { id } } }", 20),
        ("{ sessions(last: 7) { edges { node { id } } pageInfo { endCursor } } }", 7),
        ("{ sessions(first: 100) { nodes { bookings(first: 50) { nodes { worker { name } } } } } }", 10_100),
        ("{ sessions(first: 10) { nodes { staff { name } } } }", 110),
        ("query ($n: Int) { sessions(first: $n) { nodes { id } } }", 20),
        ("query ($n: Int = 30) { sessions(first: $n) { nodes { id } } }", 30),
        ("{ sessions(first: -5) { nodes { id } } }", 1),
        ("{ sessions(first: 9999999) { nodes { id } } }", 100),
    ],
)
def test_pages_multiply_the_nodes_inside(text: str, nodes: int) -> None:
    assert weight(text).nodes == nodes


@pytest.mark.parametrize(("given", "nodes"), [(5, 5), (None, 20), (-3, 1), (10**30, 100), ("7", 100), ([1], 100)])
def test_a_variables_page_counts_as_it_is_given(given: object, nodes: int) -> None:
    assert weight("query ($n: Int) { sessions(first: $n) { nodes { id } } }", n=given).nodes == nodes


def test_pages_within_pages_that_are_too_many_are_refused() -> None:
    text = "query ($n: Int) { sessions(first: $n) { nodes { bookings(first: $n) { nodes { worker { name } } } } } }"

    assert weight(text, n=90).nodes == 16_290
    with pytest.raises(Stopped, match="limit of 20,000 estimated nodes"):
        weight(text, n=100)


def test_a_document_is_prepared_once_and_what_was_not_asked_for_longest_is_dropped() -> None:
    documents = Documents(GRAPHQL)
    first = documents.document("{ viewer { name } }")

    assert documents.document("{ viewer { name } }") is first
    for at in range(MOST_DOCUMENTS - 1):
        documents.document(f"query Q{at} {{ viewer {{ name }} }}")
    assert documents.document("{ viewer { name } }") is first
    documents.document("query Another { viewer { name } }")
    assert documents.document("{ viewer { name } }") is first
    for at in range(MOST_DOCUMENTS):
        documents.document(f"query R{at} {{ viewer {{ name }} }}")
    assert documents.document("{ viewer { name } }") is not first


@pytest.mark.asyncio
async def test_a_refused_document_names_its_limit_in_the_answer(database: Database) -> None:
    answer = await ask(database, None, fan_out(60))

    assert answer["data"] is None
    assert "The limit of 60 repeats of one name" in answer["errors"][0].message
