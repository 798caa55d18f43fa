"""The house rules as tests: which way imports point, who may touch which library, how long things may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "dashboard").rglob("*.py")])

LEVELS = [
    {"pipeline", "pipeline.errors"},
    {"pipeline.domain"},
    {
        "pipeline.images", "pipeline.nifti", "pipeline.fingerprints", "pipeline.derivatives", "pipeline.rows",
        "pipeline.out_folder", "pipeline.spreadsheet", "pipeline.rule_files",
    },
    {
        "pipeline.study", "pipeline.names", "pipeline.tables", "pipeline.findings", "pipeline.labels",
        "pipeline.clinical", "pipeline.scans", "pipeline.masks", "pipeline.mask_reading", "pipeline.visits",
        "pipeline.discs", "pipeline.disc_reading", "pipeline.volume_table", "pipeline.volume_rows",
        "pipeline.phenotype", "pipeline.table_rows", "pipeline.sidecars",
        "pipeline.schedules",
        "pipeline.criteria", "pipeline.registration", "pipeline.bending", "pipeline.segmentation",
        "pipeline.likeness", "pipeline.signal_search", "pipeline.store", "pipeline.store_reader", "pipeline.journal",
        "pipeline.chain",
        "pipeline.saved_cohorts", "pipeline.kept_masks", "pipeline.measured_masks",
    },
    {"pipeline.mask_sources"},
    {"pipeline.steps", "pipeline.exports", "pipeline.single", "pipeline.assess",
        "pipeline.import_table", "pipeline.dicom", "pipeline.sign_off", "pipeline.correction",
    },
    {"pipeline.patient"},
    {"pipeline.workers"},
    {"pipeline.run", "pipeline.selftest"},
    {"pipeline.summary"},
    {"pipeline.cli", "pipeline.cli_tables", "pipeline.cli_notes", "pipeline.cli_hospital", "pipeline.cli_pacs",
        "pipeline.cli_selftest", "pipeline.__main__"},
]  # fmt: skip
"""A module imports from earlier levels only; see docs/architecture.md."""

STEP_ORDER = [
    "read",
    "align",
    "mask",
    "found_again",
    "signal",
    "sourced",
    "corrected",
    "source",
    "acts",
    "measure",
    "levels",
    "shape",
    "follow",
    "display",
    "judge",
    "protocol",
    "beside",
    "schedule",
]
TOGETHER = [
    {
        "pipeline.study", "pipeline.names", "pipeline.tables", "pipeline.findings", "pipeline.labels",
        "pipeline.clinical", "pipeline.scans", "pipeline.masks", "pipeline.mask_reading", "pipeline.visits",
        "pipeline.discs", "pipeline.disc_reading", "pipeline.volume_table", "pipeline.volume_rows",
        "pipeline.phenotype", "pipeline.table_rows", "pipeline.sidecars", "pipeline.measured_masks",
    },
    {"pipeline.images", "pipeline.nifti"},
    {"pipeline.journal", "pipeline.findings", "pipeline.chain", "pipeline.saved_cohorts"},
    {"pipeline.store", "pipeline.store_reader"},
    {"pipeline.sign_off", "pipeline.correction"},
    {"pipeline.registration", "pipeline.bending"},
    {"pipeline.segmentation", "pipeline.likeness", "pipeline.signal_search"},
    {
        "pipeline.selftest", "pipeline.selftest.source", "pipeline.selftest.pairs", "pipeline.selftest.report",
        "pipeline.selftest.figure", "pipeline.selftest.story",
    },
    {
        "pipeline.mask_sources", "pipeline.mask_sources.interface", "pipeline.mask_sources.toolbox",
        "pipeline.mask_sources.onnx_model",
    },
    {"pipeline.cli", "pipeline.cli_tables", "pipeline.cli_notes", "pipeline.cli_hospital", "pipeline.cli_pacs",
        "pipeline.cli_selftest", "pipeline.__main__"},
]  # fmt: skip
"""Modules of one level that are one part of the program in several files."""

HEAVY = {
    "SimpleITK": {"pipeline.images", "pipeline.bending"},
    "ants": {"pipeline.registration"},
    "duckdb": {"pipeline.store", "pipeline.store_reader"},
    "lifelines": {"pipeline.domain.survival"},
    "firthmodels": {"pipeline.domain.survival"},
    "statsmodels": {"pipeline.domain.cohort_growth"},
    "onnxruntime": {"pipeline.mask_sources.onnx_model"},
    "openpyxl": {"pipeline.exports", "pipeline.store"},
    "streamlit": {"dashboard"},
    "plotly": {"dashboard"},
    "typer": {
        "pipeline.cli",
        "pipeline.cli_tables",
        "pipeline.cli_notes",
        "pipeline.cli_hospital",
        "pipeline.cli_pacs",
        "pipeline.cli_selftest",
    },
    "rich": {
        "pipeline.cli",
        "pipeline.cli_tables",
        "pipeline.cli_notes",
        "pipeline.cli_hospital",
        "pipeline.cli_pacs",
        "pipeline.cli_selftest",
        "pipeline.summary",
    },
    "matplotlib": {"dashboard.packet", "pipeline.selftest.figure"},
    "pydicom": {"pipeline.dicom"},
    "highdicom": {"pipeline.dicom"},
    "pynetdicom": {"pipeline.dicom"},
    "dicomweb_client": {"pipeline.dicom"},
    "fhir": {"pipeline.dicom"},
}
IMPURE = {"os", "pathlib", "logging", "time", "sqlite3", "duckdb", "random", "subprocess", "socket"}
MOST_LINES = 300
MOST_FUNCTION_LINES = 45


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def level_of(name: str) -> int:
    candidates = [
        (len(prefix), level)
        for level, prefixes in enumerate(LEVELS)
        for prefix in prefixes
        if name == prefix or (name.startswith(f"{prefix}.") and prefix != "pipeline")
    ]
    return max(candidates)[1] if candidates else -1


def home_of(name: str) -> str:
    """The module that an imported name lives in (``pipeline.study.Study`` -> ``pipeline.study``)."""
    while name and not ((ROOT / name.replace(".", "/")).is_dir() or (ROOT / f"{name.replace('.', '/')}.py").is_file()):
        name = name.rpartition(".")[0]
    return name


def is_allowed(importer: str, imported: str) -> bool:
    if importer.startswith("pipeline.domain") and imported.startswith("pipeline.domain"):
        return True
    if importer.startswith("pipeline.dicom") and imported.startswith("pipeline.dicom"):
        return True
    if importer.startswith("pipeline.criteria") and imported.startswith("pipeline.criteria"):
        return True
    if importer.startswith("pipeline.steps.") and imported.startswith("pipeline.steps."):
        return STEP_ORDER.index(imported.split(".")[2]) < STEP_ORDER.index(importer.split(".")[2])
    if any(importer in group and imported in group for group in TOGETHER):
        return True
    return level_of(imported) < level_of(importer)


@pytest.mark.parametrize("path", [p for p in SOURCES if "pipeline" in p.parts], ids=module_of)
def test_pipeline_imports_point_one_way(path: Path) -> None:
    importer = module_of(path)
    assert level_of(importer) >= 0, f"{importer} has no level: add it to LEVELS and to docs/architecture.md"
    wrong = [
        imported
        for name in imports_of(path)
        if name.startswith("pipeline")
        for imported in [home_of(name)]
        if imported != importer and not is_allowed(importer, imported)
    ]
    assert not wrong, f"{importer} must not import {wrong}"
    assert not [name for name in imports_of(path) if name.startswith("dashboard")]


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_each_heavy_library_has_one_home(path: Path) -> None:
    module = module_of(path)
    for name in imports_of(path):
        homes = HEAVY.get(name.split(".")[0])
        allowed = homes is None or any(module == home or module.startswith(f"{home}.") for home in homes)
        assert allowed, f"{module} imports {name}, which belongs in {homes}"


@pytest.mark.parametrize("path", sorted((ROOT / "pipeline" / "domain").rglob("*.py")), ids=module_of)
def test_domain_is_pure(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not IMPURE & {name.split(".")[0] for name in imports_of(path)}
    clocks = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"today", "now", "utcnow", "environ"}
    ]
    assert not clocks, f"a hidden clock or environment in lines {clocks}"


def test_only_the_data_module_of_the_dashboard_calls_the_store() -> None:
    callers = {
        module_of(p)
        for p in SOURCES
        if "dashboard" in p.parts and any(name.startswith("pipeline.store") for name in imports_of(p))
    }
    assert callers <= {"dashboard.data", "dashboard.publication"}


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if ast.get_docstring(node):
                lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            assert lines <= MOST_FUNCTION_LINES, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module says what it holds and what it refuses to do"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


def test_every_command_has_help_with_an_example() -> None:
    commands = [
        "run", "dashboard", "status", "export", "measure", "register", "rebuild", "assess", "import", "import-dicom",
        "export-dicom", "export-fhir", "pull", "push", "import-tables",
        "note", "selftest",
    ]  # fmt: skip
    program = (
        "import sys\nfrom typer.testing import CliRunner\nfrom pipeline.cli import app\n"
        f"for name in {commands!r}:\n"
        "    text = CliRunner().invoke(app, [name, '--help']).output\n"
        "    assert 'Example: cordtrack ' + name in text, (name, text)\n"
        "assert not {'ants', 'SimpleITK', 'duckdb', 'streamlit'} & set(sys.modules), 'help must be quick'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "sql" / "queries").glob("*.sql")), ids=lambda p: p.stem)
def test_every_query_says_what_it_is_for_and_is_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
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
