"""Names of a table's lesions, asked for and settled on the page (about 20 s)."""

from datetime import date, datetime

import pytest

from pipeline.journal import act_file
from pipeline.run.study_run import RunSettings, run
from pipeline.study.import_numbers import import_table
from tests.dashboard.app_pages.test_pages import opened, text_of

AS_OF = date(2026, 1, 31)
VISIT = "ses-imported20210101"
TABLE = """patient_id,date,compartment,lesion_id,volume_mm3,volume_cv,syndrome
p1,2020-01-01,tumour,L1,1000,0.05,NF2
p1,2020-01-01,tumour,L2,2000,0.05,NF2
p1,2021-01-01,tumour,L1,2000,0.05,NF2
p1,2021-01-01,tumour,L2,1000,0.05,NF2
"""


@pytest.fixture
def out(tmp_path, monkeypatch):
    """Results of a table that exchanged two names."""
    (tmp_path / "v.csv").write_text(TABLE, encoding="utf-8")
    import_table(tmp_path / "v.csv", None, tmp_path / "study", AS_OF)
    finished = datetime(2026, 1, 31)  # noqa: DTZ001
    settings = RunSettings(tmp_path / "study", tmp_path / "out", "imsct_adapted_v1", None, 1, AS_OF, finished)
    run(settings, lambda *_: None)
    monkeypatch.setenv("CORDTRACK_OUT", str(tmp_path / "out"))
    return tmp_path / "out"


def test_the_page_asks_which_lesion_is_which_and_puts_the_answer_on_record(out):
    at = opened("patient", patient="sub-p1")
    assert "L1: the sizes of 2021-01-01 fit other names as well" in text_of(at)
    at.text_input(key="who").set_value("Rita Reader").run()
    where = f"sub-p1-{VISIT}"
    at.session_state[f"Lesion names-{where}"] = True
    at.run()
    assert "L1: △ possible growth, +100\u202f% on 2021-01-01 → " in text_of(at)
    at.radio(key=f"names-answer-{where}").set_value("exchanged").run()
    assert "→ ● no change detected, 0\u202f% on 2021-01-01." in text_of(at), "said before it counts"
    at.button(key=f"names-put-{where}").click().run()
    assert "A reason, please" in at.error[0].value
    assert act_file.read(out).entries == ()
    at.selectbox(key=f"names-first-{where}").set_value("L2").run()
    (field,) = [one for one in at.text_area if one.key.startswith("why-names-")]
    field.set_value("about the other one").run()
    at.selectbox(key=f"names-first-{where}").set_value("L1").run()
    (field,) = [one for one in at.text_area if one.key.startswith("why-names-")]
    assert not field.value, "a reason given of other names"
    field.set_value("read side by side")
    at.button(key=f"names-put-{where}").click().run()
    assert not at.exception, at.exception
    (entry,) = act_file.read(out).entries
    assert (entry.act, entry.session_id, entry.who, entry.reason) == (
        "name_lesions", VISIT, "Rita Reader", "read side by side",
    )  # fmt: skip
    assert (entry.lesion_id, entry.same_as, entry.corrected_to) == ("L1", "L2", "exchanged")
    assert entry.component_sha256, "bound to the row that was shown"
    text = text_of(at)
    assert "names L1 and L2 exchanged on 2021-01-01, put right by Rita Reader" in text
    assert "settled names of lesions" in text
