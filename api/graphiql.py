"""GraphiQL's page: files of our own, and example operations to begin with."""

from collections.abc import Iterator
from pathlib import Path

import orjson

WEB = Path(__file__).parent / "web"
VENDOR = WEB / "vendor"
_NO_EXAMPLES = 'id="examples">[]<'


def examples() -> Iterator[tuple[str, str]]:
    """Name and text of each example, in the order in which a newcomer reads them."""
    for path in sorted((WEB / "examples").glob("*.graphql")):
        yield path.stem, path.read_text(encoding="utf-8")


def page() -> str:
    """The page, with a tab for each example."""
    # Nothing in an example may end the script element that carries it.
    tabs = orjson.dumps([text for _, text in examples()]).decode().replace("<", r"\u003c")
    return (WEB / "graphiql.html").read_text(encoding="utf-8").replace(_NO_EXAMPLES, f'id="examples">{tabs}<')
