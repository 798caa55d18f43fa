"""The house rules as tests: which way imports point, what is pure, how long things may be, what is committed."""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.places import ROOT

SOURCES = sorted([*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "dashboard").rglob("*.py")])
IMPURE = {"os", "pathlib", "logging", "time", "sqlite3", "duckdb", "random", "subprocess", "socket"}
READERS = {
    "pipeline.align.rigid",
    "pipeline.api",
    "pipeline.bench",
    "pipeline.cli",
    "pipeline.context.schedule_files",
    "pipeline.cord.cord_likeness",
    "pipeline.core.compiled",
    "pipeline.core.findings",
    "pipeline.files",
    "pipeline.hospital",
    "pipeline.journal.access_log",
    "pipeline.journal.act_file",
    "pipeline.journal.append_only",
    "pipeline.journal.backup",
    "pipeline.journal.cohort_file",
    "pipeline.journal.drawing",
    "pipeline.journal.drawn_masks",
    "pipeline.journal.journal_key",
    "pipeline.journal.lesion_names",
    "pipeline.journal.published_history",
    "pipeline.journal.sign_in_rules",
    "pipeline.journal.sign_off",
    "pipeline.judge.criteria_files",
    "pipeline.mask_models",
    "pipeline.mask_models.onnx_model",
    "pipeline.mask_models.toolbox",
    "pipeline.run",
    "pipeline.selftest.figure",
    "pipeline.selftest.host_scan",
    "pipeline.selftest.report",
    "pipeline.selftest.selftest_run",
    "pipeline.service",
    "pipeline.store",
    "pipeline.study",
    "pipeline.tools",
}
"""Modules and rooms of the pipeline that may read a file, a clock, a socket or the environment; all others are pure."""
VAGUE = {"compared", "found", "frame", "known", "kept", "made", "own", "rows", "said", "single", "told"}
"""Names that leave open of what: a local or parameter says what it is."""
MOST_LINES = 450
MOST_FUNCTION_LINES = 45


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def impurities(path: Path) -> list[str]:
    """What a module touches beyond its arguments: libraries of files and sockets, the clock, the environment."""
    touched = sorted(IMPURE & {name.split(".")[0] for name in imports_of(path)})
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in {"today", "now", "utcnow", "environ"}:
            touched.append(f"{node.attr} in line {node.lineno}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            touched.append(f"open in line {node.lineno}")
    return touched


def test_imports_point_one_way_and_each_heavy_library_has_one_home() -> None:
    """The contracts stand in ``pyproject.toml``; ``lint-imports`` says which import breaks one."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_module_is_pure_unless_it_is_on_the_list_of_readers(subtests: pytest.Subtests) -> None:
    for path in (path for path in SOURCES if "pipeline" in path.relative_to(ROOT).parts):
        module = module_of(path)
        if not any(module == reader or module.startswith(f"{reader}.") for reader in READERS):
            with subtests.test(module):
                assert not impurities(path), "read it elsewhere and pass it in, or say in READERS why it must"


def test_every_module_on_the_list_of_readers_is_there_and_reads() -> None:
    impure = {module_of(path) for path in SOURCES if impurities(path)}
    idle = [reader for reader in READERS if not any(m == reader or m.startswith(f"{reader}.") for m in impure)]
    assert not idle


def test_only_the_data_room_of_the_dashboard_calls_the_store() -> None:
    callers = {
        module_of(path)
        for path in SOURCES
        if "dashboard" in path.relative_to(ROOT).parts
        and any(name.startswith("pipeline.store") for name in imports_of(path))
    }
    assert callers
    assert all(caller.startswith("dashboard.data.") for caller in callers), callers


def test_files_and_functions_stay_short(subtests: pytest.Subtests) -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        with subtests.test(module_of(path)):
            assert len(text.splitlines()) <= MOST_LINES
            assert not list(long_functions(ast.parse(text)))


def long_functions(tree: ast.AST) -> list[str]:
    long = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if ast.get_docstring(node):
                lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            if lines > MOST_FUNCTION_LINES:
                long.append(f"{node.name} has {lines} lines")
    return long


def vague_names(tree: ast.AST) -> list[str]:
    """Parameters and names given a value inside functions that say nothing."""
    names = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                if isinstance(node, ast.arg) and node.arg in VAGUE:
                    names.add(f"{node.arg} in line {node.lineno}")
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in VAGUE:
                    names.add(f"{node.id} in line {node.lineno}")
    return sorted(names)


def test_a_local_says_what_it_is(subtests: pytest.Subtests) -> None:
    for path in SOURCES:
        with subtests.test(module_of(path)):
            assert not vague_names(ast.parse(path.read_text(encoding="utf-8"))), "name it by what it is, or of what"


def test_everything_public_has_a_docstring(subtests: pytest.Subtests) -> None:
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        with subtests.test(module_of(path)):
            assert ast.get_docstring(tree), "the module says what it holds and what it refuses to do"
            for node in tree.body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                    assert ast.get_docstring(node), node.name


def test_each_room_says_what_lives_there_what_it_imports_and_what_it_never_does(subtests: pytest.Subtests) -> None:
    rooms = {path.parent for path in SOURCES} - {ROOT / "pipeline"}
    for room in sorted(rooms):
        with subtests.test(room.relative_to(ROOT).as_posix()):
            said = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) or ""
            assert len([line for line in said.splitlines() if line.strip()]) >= 3
            assert any(word in said for word in ("never", "Nothing")), said


def test_no_module_and_no_class_has_the_name_of_another() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in SOURCES:
        if not path.stem.startswith("__"):
            homes[path.stem].append(module_of(path))
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(module_of(path))
    assert not {name: places for name, places in homes.items() if len(places) > 1}


def test_every_command_has_help_with_an_example() -> None:
    commands = [
        "run", "dashboard", "status", "export", "measure", "register", "draft", "rebuild", "assess", "import",
        "import-dicom", "export-dicom", "export-fhir", "pull", "push", "import-tables",
        "note", "selftest", "bench", "gather", "journal verify", "journal accept", "backup", "restore",
    ]  # fmt: skip
    program = (
        "import sys\nfrom typer.testing import CliRunner\nfrom pipeline.cli.commands import app\n"
        f"for name in {commands!r}:\n"
        "    text = CliRunner().invoke(app, [*name.split(), '--help']).output\n"
        "    assert 'Example: cordtrack ' + name in text, (name, text)\n"
        "assert not {'ants', 'SimpleITK', 'duckdb', 'streamlit'} & set(sys.modules), 'help must be quick'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_query_says_what_it_is_for_and_is_short(subtests: pytest.Subtests) -> None:
    for path in sorted((ROOT / "sql" / "queries").glob("*.sql")):
        lines = path.read_text(encoding="utf-8").splitlines()
        with subtests.test(path.stem):
            assert lines[0].startswith("-- ")
            assert len(lines) <= 60


def test_no_address_of_a_registry_and_no_path_of_a_machine_is_committed() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout, so the tracked files are not known")
    words = ["index" + "-url", "--" + "registry", "/" + "root/", "/home" + "/"]
    suffixes = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".sql", ".js", ".json", ".tsv", ".cfg", ""}
    for name in filter(None, tracked.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in suffixes and path.is_file() and path.stat().st_size < 1_000_000:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not [word for word in words if word in text], name


def test_no_committed_file_is_over_4_mb_and_sample_data_stays_under_24_mb() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout, so the tracked files are not known")
    sizes = {
        name: (ROOT / name).stat().st_size
        for name in filter(None, tracked.stdout.split("\0"))
        if (ROOT / name).is_file()
    }
    assert max(sizes.values()) <= 4_000_000
    assert sum(size for name, size in sizes.items() if name.startswith("sample_data/")) <= 24_000_000
