"""House rules that linters do not hold, over the files that git tracks or is about to. No behaviour.

A rule is a function from a source to what breaks it; each is tried on a planted fault as well as on the tree.
"""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = frozenset(
    tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "packages"
    ]
)
OURS: Final = PACKAGES | {"tests"}
SOURCE_SUFFIXES: Final = {".py", ".js", ".css", ".html", ".sql", ".sh"}
FUNCTION_LINES_MAX: Final = 60
FILE_LINES_MAX: Final = 400

# SQL lives in ledger/. Each exception says why it can't.
SQL_EXCEPTIONS: Final = {
    "demo/clock.sql": "gives a demo's database the demo's clock, which no migration may do",
    "embedded/bootstrap.sql": "makes the roles and the database that ledger/ then connects to",
    "embedded/postgres*.py": "tells a person which settings PostgreSQL knows, and waits for it to answer",
    "loadtests/drill/tampering.py": "does to the database by hand what no code of ours ever may",
    "loadtests/payout_drill.py": "judges the record without the queries that it judges",
    "loadtests/simulated_years.py": "draws what happens next from the record that it then judges",
    "loadtests/pgbench*.py": "measures single-row inserts without our code, the floor beside our figures",
}

SQL_SHAPES: Final = (
    r"SELECT\s.*\sFROM\s",
    r"INSERT\s+INTO\s",
    r"UPDATE\s+\S+\s+SET\s",
    r"DELETE\s+FROM\s",
    r"CREATE\s+(TEMP\s+|UNLOGGED\s+)?TABLE\s",
)
# Case tells SQL from prose: keywords are capitals anywhere, or small letters where a text begins.
SQL: Final = re.compile("|".join(rf"\b{shape}" for shape in SQL_SHAPES), re.DOTALL)
SMALL_SQL: Final = re.compile(
    rf"\s*({'|'.join(re.sub('[A-Z]{2,}', lambda word: word[0].lower(), shape) for shape in SQL_SHAPES)})",
    re.DOTALL,
)

KEY_FILE_NAMES: Final = (
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.sealed",
    "*id_rsa*",
    "*id_ed25519*",
    "*.env",
    ".env",
)
PRIVATE_KEY: Final = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")

# Spelled apart, so that this file does not break its own rule.
REGISTRY_HOSTS: Final = tuple(
    ".".join(labels)
    for labels in (
        *(("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("yarnpkg", "com")),
        *(
            ("deb", "debian", "org"),
            ("security", "debian", "org"),
            ("crates", "io"),
            ("proxy", "golang", "org"),
        ),
        *(("docker", "io"), ("hub", "docker", "com"), ("ghcr", "io"), ("quay", "io")),
    )
)
UNFINISHED: Final = re.compile(r"(?:#|//|/\*|--|<!--)[^\n]*\b(?:TO" + r"DO|FIX" + r"ME)\b(?!\s*\(?#\d+)")


@cache
def tracked() -> tuple[str, ...]:
    """What git tracks, and what a commit of everything would add."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(sorted(path for path in set(listing.stdout.split("\0")) if (ROOT / path).is_file()))


@cache
def text_of(path: str) -> str:
    # Pictures and fonts are read as well: what can't be decoded holds no rule's words.
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def sources(*suffixes: str, of: frozenset[str] = OURS) -> Iterator[tuple[str, str]]:
    """Files of our packages (and tests) with one of these suffixes; vendored ones are not ours to tidy."""
    for path in tracked():
        parts = PurePosixPath(path).parts
        if parts[0] in of and "vendor" not in parts and PurePosixPath(path).suffix in suffixes:
            yield path, text_of(path)


def docstrings(tree: ast.Module) -> set[int]:
    scopes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, scopes) and node.body and isinstance(node.body[0], ast.Expr)
    }


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every text of a program but its docstrings; an f-string is one text, each of its fields a letter."""
    skipped = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            parts = [str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values]
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def sql_in(source: str) -> list[int]:
    return [line for line, text in strings(ast.parse(source)) if SQL.search(text) or SMALL_SQL.match(text)]


def long_functions(source: str) -> list[str]:
    return [
        f"{node.name} ({node.end_lineno - node.lineno + 1} lines)"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX
    ]


def opens_with_a_docstring(source: str) -> bool:
    module = ast.parse(source)
    return ast.get_docstring(module) is not None and module.body[0].lineno == 1


def excused(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in SQL_EXCEPTIONS)


def test_sql_is_written_in_ledger_only() -> None:
    rooms = PACKAGES - {"ledger"}
    found = [
        f"{path}:{line}"
        for path, source in sources(".py", of=rooms)
        for line in sql_in(source)
        if not excused(path)
    ]
    found += [path for path, _ in sources(".sql", of=rooms) if not excused(path)]
    assert not found, f"move these statements to ledger/: {found}"


@pytest.mark.parametrize(
    "program",
    [
        'Q = "SELECT a FROM b"',
        'Q = """\n    SELECT a,\n      b\n    FROM c\n"""',
        'Q = f"SELECT {columns} FROM passes WHERE id = $1"',
        'run("insert into passes values ($1)")',
        'run("UPDATE passes SET state = $1")',
        'run("DELETE FROM passes")',
        'run("CREATE TABLE passes (id int)")',
    ],
)
def test_a_statement_outside_ledger_is_seen(program: str) -> None:
    assert sql_in(program)


@pytest.mark.parametrize(
    "program",
    [
        '"""SELECT a FROM b is what this module never says."""',
        'HELP = "Choose a file from the list, or update the page and set a name."',
        'HELP = "Select a site from the list "',
        'HELP = "To insert into a slot, delete from the left."',
    ],
)
def test_prose_is_not_taken_for_a_statement(program: str) -> None:
    assert not sql_in(program)


def test_no_function_is_over_sixty_lines() -> None:
    found = {path: names for path, source in sources(".py") if (names := long_functions(source))}
    assert not found


def test_a_function_of_sixty_one_lines_is_seen() -> None:
    assert long_functions("def f():\n" + "    pass\n" * FUNCTION_LINES_MAX)
    assert not long_functions("def f():\n" + "    pass\n" * (FUNCTION_LINES_MAX - 1))


def test_no_file_of_ours_is_over_four_hundred_lines() -> None:
    found = {
        path: lines
        for path, text in sources(*SOURCE_SUFFIXES)
        if (lines := text.count("\n")) > FILE_LINES_MAX
    }
    assert not found


def test_every_module_says_on_its_first_line_what_is_in_it() -> None:
    found = [
        path
        for path, source in sources(".py")
        if not (path.endswith("__init__.py") and not source.strip()) and not opens_with_a_docstring(source)
    ]
    assert not found


def test_a_module_that_starts_otherwise_is_seen() -> None:
    assert opens_with_a_docstring('"""What is here."""\n')
    assert not opens_with_a_docstring('# late\n"""What is here."""\n')
    assert not opens_with_a_docstring("import ast\n")


def test_no_key_file_is_tracked() -> None:
    named = [
        path for path in tracked() if any(fnmatch(PurePosixPath(path).name, name) for name in KEY_FILE_NAMES)
    ]
    holding = [path for path in tracked() if PRIVATE_KEY.search(text_of(path))]
    assert not named + holding
    assert not [path for path in tracked() if path.startswith("deploy/secrets/")]


def test_a_private_key_is_seen_by_its_content() -> None:
    for kind in ("", "EC ", "ENCRYPTED ", "OPENSSH "):
        assert PRIVATE_KEY.search(f"-----BEGIN {kind}PRIVATE KEY" + "-----")


def test_no_registry_is_named_in_a_tracked_file() -> None:
    found = [f"{path}: {host}" for path in tracked() for host in REGISTRY_HOSTS if host in text_of(path)]
    assert not found


def test_what_is_left_to_do_names_its_issue() -> None:
    found = [path for path, text in sources(*SOURCE_SUFFIXES) if UNFINISHED.search(text)]
    assert not found


def test_a_task_without_an_issue_is_seen() -> None:
    word = "TO" + "DO"
    assert UNFINISHED.search(f"# {word}: later")
    assert UNFINISHED.search(f"x = 1  // {word} later")
    assert not UNFINISHED.search(f"# {word}(#12): later")
    assert not UNFINISHED.search(f"# {word} #12: later")


def locked(requirements: str) -> dict[str, str]:
    """Each pinned package with the lines that follow its pin."""
    return {
        match["name"]: match["rest"]
        for match in re.finditer(
            r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<rest>.*?)(?=^[^\s]|\Z)", requirements, re.M | re.S
        )
    }


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_every_locked_package_has_its_hashes_and_no_address(name: str) -> None:
    requirements = text_of(f"requirements/{name}")
    packages = locked(requirements)
    assert packages
    assert not [package for package, rest in packages.items() if "--hash=sha256:" not in rest]
    assert "://" not in requirements
    assert not re.search(r"^\s*--(?!hash=)", requirements, re.M), "an option other than a hash"


def licence_table() -> set[str]:
    table = text_of("THIRD_PARTY.md").partition("## Python packages")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| ([a-z0-9._-]+) \| [^|]+ \| (?:permissive|library|aggregate) \|", table, re.M))


def test_every_package_that_runs_has_its_licence_in_third_party() -> None:
    assert licence_table() == set(locked(text_of("requirements/run.txt")))


def test_every_font_has_its_licence_in_third_party_and_beside_it() -> None:
    for path in tracked():
        font = PurePosixPath(path)
        if font.suffix in {".ttf", ".otf", ".woff2"}:
            family = font.stem.partition("-")[0]
            assert f"| {family} |" in text_of("THIRD_PARTY.md"), f"{path}: name its licence in THIRD_PARTY.md"
            assert list((ROOT / font.parent).glob(f"{family}*.txt")), f"{path}: lay its licence beside it"


def test_the_licence_is_the_whole_eupl() -> None:
    licence = text_of("LICENSE")
    assert licence.startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2\nEUPL © the European Union 2007, 2016\n")
    assert re.findall(r"^(\d+)\.[A-Z]", licence, re.M) == [str(article) for article in range(1, 16)]
    assert "‘Compatible Licences’ according to Article 5 EUPL are:" in licence.partition("Appendix\n")[2]


def test_ci_runs_make_test_and_nothing_else() -> None:
    lines = text_of(".ci/run").splitlines()
    assert [line for line in lines if line and not re.match(r"#|set |cd ", line)] == ["exec make test"]


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"])
def test_the_reader_finds_the_front_page(name: str) -> None:
    assert (ROOT / name).is_file()
    assert text_of(name).strip()
