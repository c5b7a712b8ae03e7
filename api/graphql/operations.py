"""What is about to be run: one operation of a document, its variables, and for whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode, OperationDefinitionNode
from strawberry.schema.base import BaseSchema

from api.graphql.context import Context
from api.graphql.documents import Document
from api.graphql.weights import Weight


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that was let in."""

    schema: BaseSchema
    document: Document
    tree: DocumentNode
    node: OperationDefinitionNode
    variables: Mapping[str, Any]
    weight: Weight
    context: Context
