"""The one cache of documents: parsed, within the limits, validated, and weighed for the page sizes asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
    value_from_ast_untyped,
)
from strawberry.schema.exceptions import CannotGetOperationTypeError

from api.graphql.limits import NODES, refuse_large, refuse_long
from api.graphql.recent import Recent
from api.graphql.weights import Circle, Scale, Weight, fragments_of, page_size, size_variables

MOST_DOCUMENTS = 256
MOST_WEIGHTS = 64
MOST_ERRORS = 20
Sizes = tuple[int | None, ...]


class NotValid(Exception):
    """A document that the schema does not understand, with GraphQL's own words why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


@dataclass(eq=False, slots=True)
class Document:
    """A document that may be run."""

    schema: GraphQLSchema
    tree: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    size_names: tuple[str, ...]
    weights: Recent[tuple[str | None, Sizes], Weight] = field(default_factory=lambda: Recent(MOST_WEIGHTS))

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """
        The operation of this name, or the only one.

        Raises:
            CannotGetOperationTypeError: There is none, or there are several.
        """
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None or name not in self.operations:
            raise CannotGetOperationTypeError(name)
        return self.operations[name]

    def weight(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Weight:
        """
        What an operation amounts to with these variables.

        Raises:
            Stopped: LIMIT_EXCEEDED, as its pages multiply to too many nodes.
        """
        name = operation.name.value if operation.name else None
        given = sizes_of(operation, self.size_names, variables)
        sizes = tuple(given.get(each) for each in self.size_names)
        scale = Scale(self.schema, fragments_of(self.tree), given)
        weight = self.weights.known((name, sizes), lambda: scale.operation(operation))
        NODES.refuse(weight.nodes)
        return weight


class Documents:
    """The documents that were asked last, by their text."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._known: Recent[str, Document] = Recent(MOST_DOCUMENTS)

    def document(self, text: str) -> Document:
        """
        The document of a text; only one that may be run is kept.

        Raises:
            Stopped: LIMIT_EXCEEDED.
            GraphQLSyntaxError: It cannot be parsed.
            NotValid: The schema does not understand it.
        """
        return self._known.known(text, lambda: prepared(self.schema, text))


def prepared(schema: GraphQLSchema, text: str) -> Document:
    """The document of a text: whatever costs more than a look at each of its words comes after the limits."""
    refuse_long(text)
    tree = parse(text)
    operations = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
    scale = Scale(schema, fragments_of(tree), {})
    try:
        for each in operations:
            refuse_large(scale.operation(each), is_mutation=each.operation is OperationType.MUTATION)
    except Circle as circle:
        raise NotValid([GraphQLError(f"Fragment {circle} spreads itself: write its fields out.")]) from circle
    if errors := validate(schema, tree, max_errors=MOST_ERRORS):
        raise NotValid(errors)
    by_name = {each.name.value if each.name else None: each for each in operations}
    return Document(schema, tree, by_name, tuple(sorted(set(size_variables(tree)))))


def sizes_of(
    operation: OperationDefinitionNode, names: tuple[str, ...], variables: Mapping[str, Any]
) -> dict[str, int | None]:
    """The page sizes that variables give, or their defaults; empty where none is given."""
    if not names:
        return {}
    defaults = {
        each.variable.name.value: value_from_ast_untyped(each.default_value) if each.default_value else None
        for each in operation.variable_definitions or ()
    }
    return {name: page_size(variables.get(name, defaults.get(name))) for name in names}
