"""What a command writes never lands among a study's own scans and tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import commands
from pipeline.cli.targets import outside_study
from pipeline.errors import SettingsError
from pipeline.files.out_folder import LOCK_NAME
from tests.factories import publish_tiny


def a_study(folder: Path) -> Path:
    (folder / "sub-01" / "ses-01").mkdir(parents=True)
    (folder / "participants.tsv").write_text("participant_id\nsub-01\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("place", ["participants.tsv", "judged.csv", "sub-01/ses-01/new.csv", "../study/judged.csv"])
def test_nothing_is_written_among_the_scans_of_a_study_and_the_remedy_holds(tmp_path: Path, place: str) -> None:
    study = a_study(tmp_path / "study")
    with pytest.raises(SettingsError, match="written into the study folder") as refusal:
        outside_study(study / place)
    remedy = Path(str(refusal.value).rsplit("below ", 1)[1])
    assert outside_study(remedy / "tables" / "judged.csv") == remedy / "tables" / "judged.csv"


def test_beside_a_study_and_in_an_output_folder_is_free(tmp_path: Path) -> None:
    a_study(tmp_path / "study")
    assert outside_study(tmp_path / "judged.csv")
    output = a_study(tmp_path / "out")
    (output / LOCK_NAME).touch()
    assert outside_study(output / "judged.csv")
    assert outside_study(None) is None


def test_an_export_leaves_the_tables_of_a_study_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, output = a_study(tmp_path / "study"), tmp_path / "out"
    publish_tiny(output)
    before = sorted(study.rglob("*"))
    export = ["export", str(output), "--table", "measurement"]
    done = CliRunner().invoke(commands.app, [*export, "-o", str(study / "participants.tsv")])
    assert isinstance(done.exception, SettingsError)
    monkeypatch.chdir(study)
    assert isinstance(CliRunner().invoke(commands.app, export).exception, SettingsError)
    assert sorted(study.rglob("*")) == before
    assert (study / "participants.tsv").read_text(encoding="utf-8") == "participant_id\nsub-01\n"
