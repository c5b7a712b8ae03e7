"""
The one limits rule: how large a document may be.

It is told before validation, as validation itself compares fields with each other. Everything is counted in one pass
that is linear in the document: what a fragment amounts to is counted once, and added wherever it is spread.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from graphql import Lexer, Source, TokenKind

from api.graphql.stops import Stop, Stopped
from api.graphql.weights import Weight


@dataclass(frozen=True, slots=True)
class Limit:
    """The most of something, and what a client can do instead."""

    name: str
    most: int
    way_out: str

    def refuse(self, found: int) -> None:
        """
        Let only what is within pass.

        Raises:
            Stopped: LIMIT_EXCEEDED, naming the limit.
        """
        if found > self.most:
            raise Stopped(
                Stop.LIMIT_EXCEEDED,
                f"The limit of {self.most:,} {self.name} is exceeded ({found:,}): {self.way_out}"
                if found < 10 * self.most
                else f"The limit of {self.most:,} {self.name} is exceeded by far: {self.way_out}",
                limit=self.name,
                most=self.most,
            )


APART = "ask for it in several requests."
CHARACTERS = Limit("characters", 10_000, "put values into variables, and what is left into several requests.")
TOKENS = Limit("tokens", 1_000, "put values into variables, and what is left into several requests.")
NESTING = Limit("nested brackets", 40, "put nested values into variables.")
# Validation compares all fields of one name with each other.
REPEATS = Limit("repeats of one name", 60, "leave out what is asked for twice, and put values into variables.")
MUTATIONS = Limit("mutation fields", 10, "each is a transaction of its own: send them one after the other.")
NODES = Limit("estimated nodes", 20_000, "ask for smaller pages, or for the inner lists in requests of their own.")

# GraphiQL's introspection has 14 levels; our own pages stay below ten.
SHAPE: tuple[tuple[Limit, Callable[[Weight], int]], ...] = (
    (Limit("fields", 600, APART), lambda weight: weight.fields),
    (Limit("levels", 15, "begin further inside: each object is found by its id with node(id:)."), lambda w: w.depth),
    (Limit("aliases", 30, APART), lambda weight: weight.aliases),
    (Limit("directives", 30, "leave out what you do not want, rather than skipping it."), lambda w: w.directives),
)
ROOT_FIELDS = Limit("root fields", 20, APART)
_OPENING, _CLOSING = "{[(", "}])"


def refuse_long(text: str) -> None:
    """
    Let only texts pass that can be parsed in little time and on little stack.

    Raises:
        Stopped: LIMIT_EXCEEDED.
        GraphQLSyntaxError: It has something in it that is no GraphQL.
    """
    CHARACTERS.refuse(len(text))
    lexer, tokens, nesting = Lexer(Source(text)), 0, 0
    names: Counter[str | None] = Counter()
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        tokens += 1
        nesting += (token.kind.value in _OPENING) - (token.kind.value in _CLOSING)
        TOKENS.refuse(tokens)
        NESTING.refuse(nesting)
        if token.kind is TokenKind.NAME:
            names[token.value] += 1
    REPEATS.refuse(max(names.values(), default=0))


def refuse_large(weight: Weight, *, is_mutation: bool) -> None:
    """
    Let only operations pass that can be validated in little time.

    Raises:
        Stopped: LIMIT_EXCEEDED.
    """
    for limit, found in SHAPE:
        limit.refuse(found(weight))
    (MUTATIONS if is_mutation else ROOT_FIELDS).refuse(weight.root_fields)
