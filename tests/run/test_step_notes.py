"""The step that each patient is at, as a small file for whoever watches a run."""

from pipeline.run import step_notes


def test_the_latest_step_is_read_while_the_work_goes_on_and_the_note_goes_with_it(tmp_path):
    (tmp_path / "sub-01").mkdir()
    with step_notes.noting(tmp_path / "sub-01") as note:
        assert step_notes.notes(tmp_path) == ()
        for done, step in enumerate(("align the visits to the first", "measure")):
            note(done, 2, step)
            (noted,) = step_notes.notes(tmp_path)
            assert (noted.patient_id, noted.done, noted.total, noted.step) == ("sub-01", done, 2, step)
    assert not list((tmp_path / "sub-01").iterdir())


def test_a_note_that_cannot_be_written_stops_no_work(tmp_path):
    with step_notes.noting(tmp_path / "not there") as note:
        note(0, 1, "measure")
    with step_notes.noting(tmp_path) as note:
        (tmp_path / step_notes.NOTE).unlink()
        note(0, 1, "measure")
    assert not list(tmp_path.iterdir())
