"""What an operation amounts to, known before it is run: its shape, the nodes it may answer, and its cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

from api.graphql.paging import LARGEST_PAGE, USUAL_PAGE

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
SIZES = ("first", "last")
# A list without pages: a session's staff, an item's exams.
USUAL_LIST = 10
INTROSPECTION = ("__schema", "__type")
# Each object costs 1 and each plain value nothing; what takes more of the server, or less, stands here.
MUTATION = 10
WEIGHTS: Mapping[str, int] = {
    "Query.__schema": 100,
    "Query.__type": 10,
    "Query.rateLimit": 0,
    "Query.viewer": 0,
    "Mutation.roundPlan": 200,
    "Mutation.roundReplan": 200,
    "Mutation.roundPublish": 50,
    "Mutation.signIn": 20,
    "Session.openPlaces": 1,
    "Session.promised": 1,
    "Session.held": 1,
}


class Weight(NamedTuple):
    """Counts of an operation, or of a part of it, with every fragment put in where it is spread."""

    fields: int = 0
    root_fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    nodes: int = 0
    cost: int = 0
    introspects: bool = False

    def beside(self, other: "Weight") -> "Weight":
        """The two together."""
        return Weight(
            self.fields + other.fields,
            self.root_fields + other.root_fields,
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.nodes + other.nodes,
            self.cost + other.cost,
            self.introspects or other.introspects,
        )


NOTHING = Weight()


class Circle(Exception):
    """Fragments that spread each other for ever; validation says so in GraphQL's own words."""


@dataclass
class Scale:
    """Weighs the operations of one document, for one choice of page sizes."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    sizes: Mapping[str, Any]
    _known: dict[str, Weight | None] = field(default_factory=dict)

    def operation(self, node: OperationDefinitionNode) -> Weight:
        """
        All of an operation.

        Raises:
            Circle: Its fragments spread each other.
        """
        found = self._selections(node.selection_set, self.schema.get_root_type(node.operation))
        return found._replace(directives=found.directives + len(node.directives or ()))

    def _selections(self, chosen: SelectionSetNode, parent: Any) -> Weight:
        total = NOTHING
        for each in chosen.selections:
            part = NOTHING
            if isinstance(each, FieldNode):
                part = self._field(each, parent)
            elif isinstance(each, FragmentSpreadNode):
                part = self._fragment(each.name.value)
            elif isinstance(each, InlineFragmentNode):
                condition = each.type_condition
                part = self._selections(each.selection_set, self._type(condition.name.value) if condition else parent)
            total = total.beside(part._replace(directives=part.directives + len(each.directives or ())))
        return total

    def _fragment(self, name: str) -> Weight:
        if name not in self._known:
            definition = self.fragments.get(name)
            if definition is None:
                return NOTHING
            self._known[name] = None
            self._known[name] = self._selections(
                definition.selection_set, self._type(definition.type_condition.name.value)
            )
        if (found := self._known[name]) is None:
            raise Circle(name)
        return found

    def _field(self, node: FieldNode, parent: Any) -> Weight:
        name = node.name.value
        declared = self.schema.get_field(parent, name) if isinstance(parent, Composite) else None
        kind = get_named_type(declared.type) if declared else None
        inner = self._selections(node.selection_set, kind) if node.selection_set else NOTHING
        times = self._times(node, parent, declared.type) if declared else 1
        own = weight_of(parent, name, kind) if declared else 0
        is_page = is_connection(kind)
        return Weight(
            fields=1 + inner.fields,
            root_fields=1,
            depth=1 + inner.depth,
            aliases=inner.aliases + (node.alias is not None),
            directives=inner.directives,
            nodes=times * (inner.nodes + (isinstance(kind, Composite) and not is_page and not is_frame(kind))),
            cost=own + times * inner.cost if is_page else times * (own + inner.cost),
            introspects=name in INTROSPECTION,
        )

    def _times(self, node: FieldNode, parent: Any, kind: GraphQLOutputType) -> int:
        """How many of it there may be in the answer."""
        named = get_named_type(kind)
        if is_connection(named):
            given = [self._size(each.value) for each in node.arguments or () if each.name.value in SIZES]
            return max((size for size in given if size is not None), default=USUAL_PAGE)
        is_counted_already = is_connection(parent) or named.name.startswith("__") or named.name == "UserError"
        return USUAL_LIST if is_list(kind) and isinstance(named, Composite) and not is_counted_already else 1

    def _size(self, value: ValueNode) -> int | None:
        """A page's size as far as it can be told."""
        if isinstance(value, VariableNode):
            return page_size(self.sizes.get(value.name.value, LARGEST_PAGE))
        # More digits than that are beyond any page, and costly to read.
        return page_size(int(value.value[:7])) if isinstance(value, IntValueNode) else None

    def _type(self, name: str) -> Any:
        return self.schema.type_map.get(name)


def weight_of(parent: Any, name: str, kind: Any) -> int:
    """What one such field costs, without what is inside."""
    usual = MUTATION if parent.name == "Mutation" else int(isinstance(kind, Composite) and not is_frame(kind))
    return 0 if parent.name.startswith("__") else WEIGHTS.get(f"{parent.name}.{name}", usual)


def page_size(given: object) -> int | None:
    """A page's size, if one is given; one that will be refused counts as the largest, or as a single row."""
    if given is None:
        return None
    return max(1, min(given, LARGEST_PAGE)) if isinstance(given, int) else LARGEST_PAGE


def is_connection(kind: Any) -> bool:
    """Whether a type is a page of a list."""
    return isinstance(kind, GraphQLObjectType) and kind.name.endswith("Connection")


def is_frame(kind: GraphQLNamedType) -> bool:
    """Whether a type only holds rows together: edges, and where a page stands."""
    return kind.name == "PageInfo" or kind.name.endswith("Edge")


def is_list(kind: GraphQLOutputType) -> bool:
    """Whether there may be several."""
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """A document's fragments by name."""
    return {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}


def size_variables(node: Any) -> Iterator[str]:
    """The variables that give page sizes; without recursion, as the text is a stranger's."""
    left = [node]
    while left:
        each = left.pop()
        if isinstance(each, FieldNode):
            for argument in each.arguments or ():
                if argument.name.value in SIZES and isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
        if isinstance(each, DocumentNode):
            left.extend(each.definitions)
        elif chosen := getattr(each, "selection_set", None):
            left.extend(chosen.selections)
