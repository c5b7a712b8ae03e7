"""What the house rules say of the code's shape; beside each check, a sample shows that it can fail."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("api", "scheduler", "models")
MOST_LINES = 300
MOST_TEST_LINES = 500
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "shared"}
SOLVER_FILE = "scheduler/allocation/milp.py"
COMMITTING_FILE = "models/database.py"
# The clocks and the dice of the standard library and of numpy, by their last name or two.
HIDDEN_CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.monotonic"}
HIDDEN_CHANCE = {f"random.{name}" for name in ("random", "shuffle", "choice", "choices", "sample", "randint", "rand")}
SEEDED = {"Random", "default_rng"}

Check = Callable[[str, str], Iterator[str]]


def sources(*folders: str) -> list[tuple[str, str]]:
    """Every Python file that is ours, by its path from the root; generated migration steps are Alembic's."""
    files = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    texts = ((path.relative_to(ROOT).as_posix(), path.read_text()) for path in files)
    return [(path, text) for path, text in texts if "/versions/" not in path and "/reference/" not in path]


def imports_inside_functions(path: str, text: str) -> Iterator[str]:
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield f"{path}:{node.lineno} imports inside {function.name}"


def solver_outside_its_file(path: str, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if path != SOLVER_FILE and any(name.split(".")[0] == "highspy" for name in names):
            yield f"{path} imports highspy; only {SOLVER_FILE} does"


def commits_outside_their_file(path: str, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        is_commit = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
        if is_commit and path != COMMITTING_FILE:
            yield f"{path} commits; only {COMMITTING_FILE} does"


def code_in_package_files(path: str, text: str) -> Iterator[str]:
    if not path.endswith("/__init__.py") or path == "scheduler/allocation/__init__.py":
        return
    body = ast.parse(text).body
    if len(body) != 1 or ast.get_docstring(ast.parse(text)) is None:
        yield f"{path} holds more, or less, than a docstring"


def vague_names(path: str, _: str) -> Iterator[str]:
    if Path(path).stem.strip("_") in VAGUE_NAMES:
        yield f"{path} has a name that says nothing"


def long_files(path: str, text: str) -> Iterator[str]:
    most = MOST_TEST_LINES if path.startswith("tests/") else MOST_LINES
    if (lines := len(text.splitlines())) > most:
        yield f"{path} has {lines} lines; {most} at most"


def clocks_and_chance(path: str, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            name = ".".join(ast.unparse(node).split(".")[-2:])
            if name in HIDDEN_CLOCKS | HIDDEN_CHANCE:
                yield f"{path}:{node.lineno} uses {name}; it must be passed in"
        if isinstance(node, ast.Call) and not node.args and ast.unparse(node.func).split(".")[-1] in SEEDED:
            yield f"{path}:{node.lineno} draws without a seed"


def addresses_in_lock(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host|\s@\s", line):
            yield f"{path}:{number} names an address"


def unguarded_names(path: str, text: str) -> Iterator[str]:
    if "Private :: Do Not Upload" not in tomllib.loads(text)["project"].get("classifiers", []):
        yield f"{path} could be uploaded, and our packages' names are everybody's"


CODE_CHECKS: list[tuple[Check, str, str]] = [
    (imports_inside_functions, "api/app.py", "def late() -> None:\n    import os\n"),
    (solver_outside_its_file, "scheduler/rounds.py", "from highspy import Highs\n"),
    (solver_outside_its_file, "scheduler/allocation/model.py", "import highspy.cb as hs\n"),
    (commits_outside_their_file, "scheduler/booking.py", "async def book(db):\n    await db.commit()\n"),
    (code_in_package_files, "models/__init__.py", '"""Models."""\nfrom models import places\n'),
    (code_in_package_files, "models/__init__.py", ""),
    (vague_names, "scheduler/utils.py", ""),
    (vague_names, "api/graphql/_common.py", ""),
    (long_files, "models/places.py", "pass\n" * 301),
]


@pytest.mark.parametrize(("check", "path", "sample"), CODE_CHECKS)
def test_the_check_can_fail(check: Check, path: str, sample: str) -> None:
    assert list(check(path, sample))


@pytest.mark.parametrize("check", dict.fromkeys(check for check, _, _ in CODE_CHECKS))
def test_the_code_keeps_the_rule(check: Check) -> None:
    looked_at = sources(*ROOMS)

    assert len(looked_at) > 30
    assert [found for path, text in looked_at for found in check(path, text)] == []


@pytest.mark.parametrize("check", [long_files, vague_names])
def test_tests_and_benchmarks_keep_the_rule_too(check: Check) -> None:
    assert list(long_files("tests/test_x.py", "pass\n" * 501))
    assert [found for path, text in sources("tests", "bench") for found in check(path, text)] == []


@pytest.mark.parametrize(
    "sample",
    [
        "at = datetime.now(UTC)",
        "t = time.monotonic",
        "np.random.default_rng()",
        "Random()",
        "x = datetime.date.today()",
    ],
)
def test_a_hidden_clock_or_chance_would_be_noticed(sample: str) -> None:
    assert list(clocks_and_chance("scheduler/allocation/x.py", sample))


def test_the_allocator_has_no_hidden_clock_or_chance() -> None:
    core = sources("scheduler/allocation")

    assert core
    assert [found for path, text in core for found in clocks_and_chance(path, text)] == []


@pytest.mark.parametrize(
    "line", ["--index-url https://example.org/simple", "six @ file:///tmp/six.whl", "--find-links wheels"]
)
def test_an_address_in_the_lock_would_be_noticed(line: str) -> None:
    assert list(addresses_in_lock("requirements.lock", f"six==1.0\n{line}\n"))


def test_the_locks_name_no_address() -> None:
    assert list(addresses_in_lock("requirements.lock", (ROOT / "requirements.lock").read_text())) == []

    npm_locks = [path for path in ROOT.rglob("package-lock.json") if "node_modules" not in path.parts]
    assert {"graphiql", "http"} <= {path.parent.name for path in npm_locks}
    for lock in npm_locks:
        assert '"resolved"' not in lock.read_text()
        assert "registry=" not in lock.with_name(".npmrc").read_text()


def test_the_package_cannot_be_uploaded_by_mistake() -> None:
    text = (ROOT / "pyproject.toml").read_text()

    assert list(unguarded_names("pyproject.toml", '[project]\nname = "doorstep"\n'))
    assert list(unguarded_names("pyproject.toml", text)) == []


def lint(contracts: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "pyproject.toml").write_text(contracts)
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603


def contracts() -> str:
    text = (ROOT / "pyproject.toml").read_text()
    return text[text.index("[tool.importlinter]") :]


def copied_rooms(folder: Path) -> None:
    for room in ROOMS:
        for path, text in sources(room):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)


def test_the_import_contracts_hold(tmp_path: Path) -> None:
    copied_rooms(tmp_path)

    done = lint(contracts(), tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def named_contracts() -> list[str]:
    return [contract["name"] for contract in tomllib.loads(contracts())["tool"]["importlinter"]["contracts"]]


def broken_in(report: str) -> set[str]:
    """The contracts that the report lists as broken, by the whole line: name, word, and what was ignored, if any."""
    lines = {re.sub(r" \(\d+ ignored imports?\)$", "", line) for line in report.splitlines()}
    return {name for name in named_contracts() if f"{name} BROKEN" in lines}


def test_only_a_contracts_own_line_counts_as_broken() -> None:
    (first, *_) = named_contracts()

    assert broken_in(f"{first} BROKEN\n") == broken_in(f"{first} BROKEN (1 ignored import)\n") == {first}
    assert broken_in(f"{first} KEPT\n{first} is not BROKEN\n{first} BROKENLY\nso {first} BROKEN\n{first}\n") == set()


@pytest.mark.parametrize(
    ("path", "line", "broken"),
    [
        ("models/places.py", "from scheduler import clock", "api talks, scheduler decides"),
        ("scheduler/clock.py", "from api import app", "api talks, scheduler decides"),
        ("models/vocabulary.py", "from models import places", "the rooms of models"),
        ("models/places.py", "from models import bookings", "the rooms of models"),
        ("scheduler/policy.py", "from scheduler import visibility", "the rooms of scheduler"),
        ("scheduler/allocation/problem.py", "import sqlalchemy", "the allocator is pure"),
        ("scheduler/allocation/problem.py", "from models import places", "the allocator is pure"),
        ("scheduler/odds.py", "", "the rooms of scheduler"),
        ("models/ends.py", "", "the rooms of models"),
        ("api/pieces.py", "", "the rooms of api"),
    ],
)
def test_a_broken_import_contract_would_be_noticed(tmp_path: Path, path: str, line: str, broken: str) -> None:
    copied_rooms(tmp_path)
    with (tmp_path / path).open("a") as file:
        file.write(f"\n{line}\n")

    done = lint(contracts(), tmp_path)

    assert done.returncode == 1
    assert next(name for name in named_contracts() if name.startswith(broken)) in broken_in(done.stdout)
