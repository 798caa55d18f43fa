"""The wheel, installed where the repository is not: it runs a study and serves the pages with its whole viewer.

The other Pythons get a whole installation each from the package registry (seconds with uv, minutes with pip) where
``CORDTRACK_ALL_PYTHONS=1`` asks for it, as continuous integration does.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.viewer import fetch_niivue
from pipeline import __version__
from tests import page_visit
from tests.places import ROOT
from tests.small_sample import two_visits

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHONS = ("3.11", "3.12", "3.13")
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
PUT_BESIDE = TOOLS["hatch"]["build"]["targets"]["wheel"].get("force-include", {}).values()
"""What ``pyproject.toml`` puts beside the two packages, or into them."""

CONSTRAINTS = ROOT / "constraints.txt"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CORDTRACK"))}

PIP = (sys.executable, "-m", "pip", "--quiet")
INSTALL = ("install", "--no-compile")
"""Compiled is what the commands below import, not ten thousand files."""

pytestmark = pytest.mark.slow


def said_by(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir")
    said_by(*PIP, *build, folder, ROOT, folder=folder)
    (built,) = folder.glob("cordtrack-*.whl")
    return built


def python_of(version: str) -> str:
    """Return a Python of a version, or skip in words."""
    if version == HERE:
        return sys.executable
    if os.environ.get("CORDTRACK_ALL_PYTHONS") != "1":
        pytest.skip(f"a whole installation for Python {version} takes minutes: CORDTRACK_ALL_PYTHONS=1 asks for it")
    script = "import sys, venv; print('{}.{}'.format(*sys.version_info))"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for program in (shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))):
        done = subprocess.run([program or "false", "-c", script], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return str(program)
    pytest.skip(f"there is no Python {version} on this machine")


@pytest.fixture(params=PYTHONS)
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder with the commands of a new environment that holds the wheel; removed afterwards, since it is large."""
    python, venv = python_of(request.param), tmp_path / "venv"
    said_by(python, "-m", "venv", "--without-pip", venv, folder=tmp_path)
    inside = venv / "bin" / "python"
    if request.param == HERE:  # the libraries that are here, without the link to the repository that lies among them
        said_by(*PIP, "--python", inside, *INSTALL, "--no-deps", wheel, folder=tmp_path)
        (packages,) = venv.glob("lib/python*/site-packages")
        (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    elif not installed_by_uv(inside, wheel):
        said_by(*PIP, "--python", inside, *INSTALL, "-c", CONSTRAINTS, wheel, folder=tmp_path)
    yield inside.parent
    shutil.rmtree(venv)


def installed_by_uv(inside: Path, wheel: Path) -> bool:
    """Install the wheel with all its libraries; False where there is no uv, or it does not reach its packages."""
    uv = shutil.which("uv")
    command = [uv or "false", "pip", "install", "--quiet", "--python", inside, "-c", CONSTRAINTS, wheel]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False).returncode == 0


def test_the_wheel_holds_two_packages_with_all_that_they_read(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        niivue = archive.read("dashboard/viewer/frontend/niivue.mjs")
    dist_info = f"cordtrack-{__version__}.dist-info"
    assert {name.split("/")[0] for name in names} - set(PUT_BESIDE) == {"pipeline", "dashboard", dist_info}
    assert fetch_niivue.is_release(niivue)
    assert {"dashboard/.streamlit/config.toml", "dashboard/guide_site/search.json"} <= set(names)
    tracked = subprocess.run(
        ["git", "ls-files", "pipeline", "dashboard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert set(tracked.stdout.split()) <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "sample_data/", "docs/"))]


def test_a_wheel_without_niivue_is_refused_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    hatch_build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hatch_build)
    copy = tmp_path / hatch_build.FETCH
    copy.parent.mkdir(parents=True)
    shutil.copy(ROOT / hatch_build.FETCH, copy)
    hook = hatch_build.CustomBuildHook(str(tmp_path), {}, None, None, str(tmp_path), "wheel")
    monkeypatch.setenv("PATH", "")  # no npm
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # and no package registry
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(RuntimeError, match=r"could not be fetched: there is no npm here"):
        hook.initialize("standard", {})
    hook.initialize("editable", {})
    monkeypatch.setenv(hatch_build.WITHOUT, "1")
    hook.initialize("standard", {})
    assert not (copy.parent / "frontend").exists()


def test_an_installed_wheel_runs_a_study_and_serves_its_pages(installed: Path, tmp_path: Path) -> None:
    cordtrack, here = installed / "cordtrack", tmp_path / "here"
    here.mkdir()
    places = said_by(installed / "python", "-c", "import pipeline, dashboard\nprint(pipeline, dashboard)", folder=here)
    assert str(ROOT) not in places
    two_visits(here / "study")
    said_by(cordtrack, "run", "study", "out", "--as-of", "2026-01-01", folder=here)
    volumes = said_by(cordtrack, "export", "out", "--table", "measurement", "-o", "volumes.csv", folder=here)
    assert volumes == ""
    assert (here / "volumes.csv").read_text(encoding="utf-8").count("sub-demo01,ses-02,") >= 1
    said_by(cordtrack, "packet", "out", "--patient", "demo01", "-o", "demo01.pdf", folder=here)
    assert (here / "demo01.pdf").read_bytes().startswith(b"%PDF")
    serve = [str(cordtrack), "dashboard", "out"]
    with page_visit.serving(serve, here, ENVIRONMENT, tmp_path / "log") as address:
        assert "sub-demo01" in page_visit.text_of(address)
        assert "cordtrack_volumes" in page_visit.text_of(address, "patient", "patient=sub-demo01")
        for page in page_visit.PAGES[2:]:
            page_visit.text_of(address, page)
