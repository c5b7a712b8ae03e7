"""What the demo says when it is ready: where to look, who to sign in as, what to ask first."""

from collections.abc import Iterator
from itertools import islice

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from api.commands.environment import Running
from api.graphiql import examples
from models.vocabulary import Tier

_QUERIES_SHOWN = 3


def welcome(everything: Running, url: str) -> Iterator[RenderableType]:
    """Give what the demo shows: a panel, and below it, free of any frame, the queries to paste."""
    yield Panel(
        Group(
            Text.assemble("GraphiQL, with examples for every role: ", (f"{url}/graphql", "bold cyan")),
            Text.assemble("Everyone's password: ", (everything.password, "bold")),
            Text(),
            _sign_ins(everything),
            Text(),
            Text("The firms but the first have asked; a first round is planned for all to consult on."),
            Text.assemble(("Ctrl-C stops everything. ", "bold"), ("--fresh begins again.", "dim")),
        ),
        title="[bold]Doorstep 家门口[/bold]",
        subtitle=f"{len(everything.district.enterprises)} firms, {len(everything.district.workers):,} people",
        padding=(1, 2),
        expand=False,
    )
    yield from _queries()


def _sign_ins(everything: Running) -> Table:
    table = Table("Login", "Signs in as", "Name", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for login, who, name in _ready_made(everything):
        table.add_row(Text(login, "bold"), who, name)
    return table


def _ready_made(everything: Running) -> Iterator[tuple[str, str, str]]:
    """One account of each role; the others are named in the same way."""
    district, logins = everything.district, everything.logins
    firm = district.enterprises[0]
    nodes = {node.code: node for node in district.jurisdictions}
    office = nodes[firm.office]
    town = nodes[office.parent or office.code]
    bureau = next(node for node in district.jurisdictions if node.tier is Tier.BUREAU)
    yield logins.enterprises[firm.credit_code], "a firm", firm.name
    for who, node in (("its office", office), ("its town", town), ("the bureau", bureau)):
        yield logins.jurisdictions[node.code], who, node.name
    body, examiner = district.exam_bodies[0], district.examiners[0]
    yield logins.exam_bodies[body.key], "the exam body", body.name
    yield logins.examiners[examiner.key], "an examiner", examiner.name
    yield logins.auditor, "the auditor", "sees everything, changes nothing"
    yield logins.operator, "an operator", "sees everything to keep it running, changes nothing"


def _queries() -> Iterator[RenderableType]:
    """Show the first examples; GraphiQL has them and all others in its tabs."""
    for number, (_, text) in enumerate(islice(examples(), _QUERIES_SHOWN), start=1):
        lines = text.splitlines()
        yield Text(f"{number}. {lines[0].removeprefix('# ')}", "bold")
        query = "\n".join(line for line in lines if not line.startswith("#"))
        yield Syntax(query, "graphql", theme="ansi_dark", background_color="default", padding=(0, 2))
        yield Text()
