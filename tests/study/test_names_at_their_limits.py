"""Names of files, labels, treatments, and scans at the limit of what is understood. Milliseconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.records import Finding
from pipeline.core.vocabulary import Compartment, TreatmentKind
from pipeline.study import (
    anchors,
    clinical,
    label_names,
    scans,
    sidecars,
)
from pipeline.study.names import is_inside, parse_name, resembling, with_prefix
from pipeline.study.scans import ScanFile
from pipeline.study.study_tables import TableRow, _clean
from pipeline.study.treatment_names import kind_named, names_beside, packaged
from pipeline.study.visits import StudyVisit, by_date

DAY = date(2020, 3, 4)


def codes(findings: list[Finding]) -> list[str]:
    return [one.code for one in findings]


# Sidecars ------------------------------------------------------------------------------------------------------------


def sidecar(content: Any, tmp_path: Path) -> tuple[Any, list[Finding]]:
    (tmp_path / "scan.json").write_text(json.dumps(content), encoding="utf-8")
    findings: list[Finding] = []
    return sidecars.read_sidecar(tmp_path / "scan.nii.gz", tmp_path, findings)[0], findings


@pytest.mark.parametrize(
    ("name", "highest", "fact", "factor"),
    [
        ("MagneticFieldStrength", 25, "field_tesla", 1), ("EchoTime", 2, "echo_time_ms", 1000),
        ("RepetitionTime", 60, "repetition_time_ms", 1000), ("FlipAngle", 360, "flip_angle_deg", 1),
        ("SliceThickness", 100, "slice_thickness_mm", 1),
    ],
)  # fmt: skip
def test_a_number_above_nothing_up_to_its_highest_is_believed(
    name: str, highest: float, fact: str, factor: float, tmp_path: Path
) -> None:
    facts, none_odd = sidecar({name: highest}, tmp_path)
    assert (getattr(facts, fact), none_odd) == (highest * factor, [])
    for value in (highest * 1.001, 0, -1, True, "1"):
        facts, odd = sidecar({name: value}, tmp_path)
        assert (getattr(facts, fact), codes(odd)) == (None, ["sidecar_value"])
    assert sidecar({name: 1e-3}, tmp_path)[1] == []


@pytest.mark.parametrize(("length", "is_kept"), [(64, True), (65, False)])
def test_a_text_has_up_to_sixty_four_letters(length: int, is_kept: bool, tmp_path: Path) -> None:
    facts, odd = sidecar({"Manufacturer": "a" * length}, tmp_path)
    assert (facts.manufacturer is not None) == is_kept == (not odd)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a" * 28, "'" + "a" * 28 + "'"), ("a" * 29, "'" + "a" * 29 + "…"), ([1], "a list"), ({}, "an object"),
        (2**64 - 1, str(2**64 - 1)), (2**64, "a number of very many digits"), (True, "True"),
    ],
)  # fmt: skip
def test_a_value_is_quoted_in_thirty_letters(value: Any, words: str) -> None:
    assert sidecars._quoted(value) == words


def test_a_device_is_a_token_and_only_our_own_stands_as_it_is(tmp_path: Path) -> None:
    ours, foreign = "0123abcd", "0123ABCD"
    assert sidecar({"DeviceToken": ours}, tmp_path)[0].device == f"t-{ours}"
    other = sidecar({"DeviceToken": foreign}, tmp_path)[0].device
    assert (len(other), other[:2], foreign in other) == (14, "t-", False)
    assert sidecar({"DeviceSerialNumber": ours}, tmp_path)[0].device != f"s-{ours}"
    assert sidecar({"DeviceSerialNumber": "1", "DeviceToken": ours}, tmp_path)[0].device == f"t-{ours}"
    assert sidecar({}, tmp_path)[0].device is None


@pytest.mark.parametrize(("size", "is_read"), [(100, True), (101, False)])
def test_a_sidecar_up_to_its_largest_size_is_read(
    size: int, is_read: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sidecars, "MOST_BYTES", 100)
    (tmp_path / "scan.json").write_text('{"EchoTime": 0.09}'.ljust(size), encoding="utf-8")
    findings: list[Finding] = []
    facts, *_ = sidecars.read_sidecar(tmp_path / "scan.nii", tmp_path, findings)
    assert (facts.echo_time_ms is not None) == is_read == (not findings)


# Words ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cell", "is_odd"), [("amplified", False), ("pending", False), ("blue", True), (None, False)])
def test_a_result_of_a_marker_that_nobody_knows_is_said_and_unknown(cell: str | None, is_odd: bool) -> None:
    findings: list[Finding] = []
    found = clinical.marker_in(TableRow("t", 2, {"mycn": cell}), "mycn", findings)
    assert codes(findings) == (["marker_unknown"] if is_odd else [])
    assert (found == "amplified") == (cell == "amplified")


@pytest.mark.parametrize(("cell", "is_odd"), [("VHL", False), ("unknown", False), ("Unknown", False), ("blue", True)])
def test_a_syndrome_that_nobody_knows_is_said(cell: str, is_odd: bool) -> None:
    findings: list[Finding] = []
    clinical.syndrome_in(TableRow("t", 2, {"syndrome": cell}), findings)
    assert codes(findings) == (["syndrome_unknown"] if is_odd else [])


@pytest.mark.parametrize(("cell", "cleaned"), [("a\x07", "a"), ("a\x00b", "ab"), ("a b", "a b"), ("Zoë", "Zoë")])
def test_control_letters_are_seen_by_nobody_and_left_out(cell: str, cleaned: str) -> None:
    assert _clean(cell) == cleaned


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("surgery", "surgery"), ("Gamma Knife SRS", "radiosurgery"), ("gamma knife radiosurgery boost", "radiosurgery"),
        ("surgery and RT", "unknown"), ("no RT", "unknown"), ("planned surgery", "unknown"), ("", "unknown"),
        (None, "unknown"), ("prayer", "unknown"), ("repeat surgery", "surgery"),
        ("Bestrahlung", "radiotherapy"), ("radiothérapie", "radiotherapy"), ("RADIOTHERAPIE", "radiotherapy"),
        ("radiothe\u0301rapie", "radiotherapy"), ("Cirugía", "surgery"), ("cirugia", "surgery"),
        ("stereotaktische Bestrahlung", "radiosurgery"), ("keine Bestrahlung", "unknown"),
        ("radiothérapie prévue", "unknown"), ("sin quimioterapia", "unknown"), ("Operation und Bestrahlung", "unknown"),
        ("geplante Chemotherapie", "unknown"), ("chirurgie", "surgery"), ("Kortison", "steroid"),
        ("non opéré", "unknown"), ("chirurgie reportée", "unknown"), ("cirugía cancelada", "unknown"),
        ("intervento chirurgico non eseguito", "unknown"), ("RT non eseguita", "unknown"), ("keine OP", "unknown"),
        ("chirurgie en attente", "unknown"), ("refus de chirurgie", "unknown"), ("OP verschoben", "unknown"),
        ("Kortison nein", "unknown"), ("irradiation proposée", "unknown"), ("sin RT", "unknown"),
        ("OP Mai 2021", "surgery"), ("resection sin.", "surgery"), ("RT 6 sem", "radiotherapy"),
        ("Bestrahlung Mai-Juni 2020", "radiotherapy"), ("chirurgie le 3 mai", "surgery"),
        ("OP ohne Komplikationen", "surgery"), ("Bestrahlung Th5 50.4 Gy", "radiotherapy"),
        ("resection of non-enhancing part", "surgery"), ("Radiochirurgischer Eingriff", "unknown"),
        ("fraktionierte stereotaktische Bestrahlung", "radiotherapy"), ("SRS", "radiosurgery"),
    ],
)  # fmt: skip
def test_a_text_means_one_kind_of_treatment_or_none(text: str | None, kind: str) -> None:
    assert str(kind_named(text, packaged())) == kind


def test_a_study_names_its_own_treatments_and_a_kind_nobody_knows_is_said(tmp_path: Path) -> None:
    lines = "name\tkind\nProtocol X\tchemotherapy\nProtocol Y\tprayer\nProtocol Z\t\n"
    (tmp_path / "treatment_names.tsv").write_text(lines, encoding="utf-8")
    findings: list[Finding] = []
    names = names_beside(tmp_path / "treatments.tsv", findings)
    assert kind_named("protocol-x", names) == TreatmentKind.CHEMOTHERAPY
    assert kind_named("protocol y", names) == TreatmentKind.UNKNOWN
    assert codes(findings) == ["word_unknown", "row_incomplete"]
    assert names_beside(tmp_path / "other" / "treatments.tsv", findings) == packaged()


def labels(text: str, tmp_path: Path) -> tuple[label_names.LabelTable, list[str]]:
    (tmp_path / "dseg.tsv").write_text(text, encoding="utf-8")
    findings: list[Finding] = []
    table = label_names.read_labels(tmp_path / "dseg.tsv", tmp_path, label_names.COMPARTMENT_NAMES, findings)
    return table, codes(findings)


def test_a_number_means_what_its_table_says_and_two_meanings_none(tmp_path: Path) -> None:
    table, odd = labels("index\tname\n1\ttumour\n2\tcyst\n2\tsyrinx\n3\tcsf\n4\tSolid Tumor\n", tmp_path)
    assert table == label_names.LabelTable({1: Compartment.TUMOUR, 4: Compartment.TUMOUR}, frozenset({3}))
    assert odd == ["mask_table_conflict"]
    twice, none_odd = labels("index\tname\n1\ttumour\n1\ttumor\n", tmp_path)
    assert (dict(twice.labels), none_odd) == ({1: Compartment.TUMOUR}, [])


@pytest.mark.parametrize(
    ("index", "is_read"), [("1", True), ("123456789", True), ("1234567890", False), ("1.0", False), ("-1", False)]
)
def test_an_index_is_a_whole_number_of_up_to_nine_digits(index: str, is_read: bool, tmp_path: Path) -> None:
    table, odd = labels(f"index\tname\n{index}\ttumour\n", tmp_path)
    assert bool(table.labels) == is_read
    assert odd == ([] if is_read else ["index_malformed"])


def test_the_closest_and_most_specific_table_of_labels_counts(tmp_path: Path) -> None:
    source = tmp_path / "derivatives" / "reader"
    anat = source / "sub-01" / "anat"
    anat.mkdir(parents=True)
    mask = anat / "sub-01_run-1_dseg.nii.gz"
    name = parse_name(mask.name)
    assert name is not None

    def chosen(*tables: str) -> tuple[str | None, list[str]]:
        for path in source.rglob("*.tsv"):
            path.unlink()
        for table in tables:
            (source / table).write_text("index\tname\n", encoding="utf-8")
        findings: list[Finding] = []
        path = label_names.closest_table(mask, name, source, {}, findings)
        return None if path is None else path.relative_to(source).as_posix(), codes(findings)

    above, beside = "dseg.tsv", "sub-01/anat/sub-01_dseg.tsv"
    assert chosen(above) == (above, [])
    assert chosen(above, beside) == (beside, [])
    exact = "sub-01/anat/sub-01_run-1_dseg.tsv"
    assert chosen(beside, exact) == (exact, [])
    assert chosen("sub-01/anat/sub-01_run-2_dseg.tsv") == (None, ["mask_table_missing"])
    both = ("sub-01/anat/run-1_dseg.tsv", beside)
    assert chosen(*both) == (None, ["mask_table_ambiguous"])
    assert chosen() == (None, ["mask_table_missing"])


@pytest.mark.parametrize(
    ("name", "alike"),
    [
        ("sub-1", ["sub-01"]),
        ("sub-01", []),
        ("sub-001", ["sub-01"]),
        ("sub-A1", ["sub-a01"]),
        ("sub-10", []),
        (None, []),
    ],
)
def test_an_id_resembles_one_that_differs_by_zeros_or_case(name: str | None, alike: list[str]) -> None:
    assert resembling(name, ["sub-01", "sub-a01", "sub-100"]) == alike
    assert with_prefix("sub", "a_b") is None


# Scans ---------------------------------------------------------------------------------------------------------------


def scan(file_name: str, contrast: str = "T2w") -> ScanFile:
    name = parse_name(file_name)
    parts = name.entities if name else {}
    return ScanFile(
        Path("/nowhere") / file_name, file_name, "sub-01", "ses-01", contrast, parts.get("chunk"), parts.get("acq"),
        parts.get("run"),
    )  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """What is needed of a mask."""

    path: Path
    scan_entities: Mapping[str, str] = field(default_factory=dict)


def anchor(
    *rivals: ScanFile, masks: tuple[Drawn, ...] = (), like: ScanFile | None = None
) -> tuple[str | None, list[str]]:
    chosen, findings = anchors.choose_anchor(rivals, masks, like)
    return None if chosen is None else chosen.relative, [one.code for one in findings]


def test_of_contrasts_the_best_and_of_planes_the_sagittal_one_is_measured() -> None:
    t1, t2 = scan("a_T1w.nii.gz", "T1w"), scan("b_T2w.nii.gz")
    assert anchor(t1, t2) == ("b_T2w.nii.gz", [])
    planes = [scan(f"sub-01_acq-{word}_T2w.nii.gz") for word in ("ax", "cor", "iso", "sagittal")]
    for count in range(1, 5):
        assert anchor(*planes[:count]) == (planes[count - 1].relative, [])
    assert anchor(scan("a_T1map.nii.gz", "T1map")) == (None, [])
    assert anchor() == (None, [])


def test_of_equal_scans_the_first_run_and_chunk_is_measured_and_said() -> None:
    runs = [scan(f"sub-01_acq-sag_run-{n}_T2w.nii.gz") for n in ("10", "2", "x")]
    assert anchor(*runs) == (runs[2].relative, ["anchor_ambiguous"]), "what is no number comes first"
    assert anchor(*runs[:2]) == (runs[1].relative, ["anchor_ambiguous"])
    plain = scan("sub-01_acq-sag_T2w.nii.gz")
    assert anchor(*runs[:2], plain) == (plain.relative, ["anchor_ambiguous"])


def test_a_scan_like_the_reference_is_favoured() -> None:
    sagittal, axial = scan("sub-01_acq-sag_T2w.nii.gz"), scan("sub-01_acq-ax_T2w.nii.gz")
    assert anchor(sagittal, axial, like=axial) == (axial.relative, [])
    assert anchor(sagittal, axial, like=scan("sub-01_acq-other_T2w.nii.gz")) == (sagittal.relative, [])
    chunk = scan("sub-01_acq-sag_chunk-1_T2w.nii.gz")
    assert anchor(sagittal, chunk, like=chunk) == (chunk.relative, [])


@pytest.mark.parametrize(
    ("named", "is_another"),
    [
        ({}, False),
        ({"run": "1"}, False),
        ({"run": "2"}, True),
        ({"chunk": "1"}, True),
        ({"acq": "sag", "run": "1"}, False),
    ],
)
def test_a_mask_means_another_scan_where_a_part_of_its_name_differs(named: dict[str, str], is_another: bool) -> None:
    one = scan("sub-01_acq-sag_run-1_T2w.nii.gz")
    assert anchors.names_another(Drawn(Path("m"), named), one) == is_another


def test_what_differs_in_a_name_counts_more_than_all_that_is_common() -> None:
    one = scan("sub-01_acq-sag_run-1_T2w.nii.gz")
    agreement = [
        anchors._agreement(Drawn(Path("m"), named), one)
        for named in ({"run": "2"}, {}, {"run": "1"}, {"acq": "sag", "run": "1"})
    ]
    assert agreement == [-100, -2, 9, 20]
    named = Drawn(Path("/nowhere/m.nii.gz"), {"acq": "sag", "run": "2"})
    runs = [scan(f"sub-01_acq-sag_run-{n}_T2w.nii.gz") for n in (1, 2)]
    assert anchor(*runs, masks=(named,)) == (runs[1].relative, [])


def test_of_a_scan_and_its_compressed_copy_one_is_listed() -> None:
    findings: list[Finding] = []
    both = [scan("sub-01_T2w.nii"), scan("sub-01_T2w.nii.gz"), scan("sub-01_T1w.nii", "T1w")]
    assert [one.relative for one in scans._without_doubles(both, findings)] == ["sub-01_T1w.nii", "sub-01_T2w.nii.gz"]
    assert codes(findings) == ["scan_duplicated"]


def test_visits_are_in_order_of_their_days_and_undated_ones_last() -> None:
    visits = [
        StudyVisit("p", name, day, (), ())
        for name, day in (("c", None), ("b", DAY), ("a", DAY), ("d", date(2019, 1, 1)))
    ]
    assert [one.session_id for one in sorted(visits, key=by_date)] == ["d", "a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "target", "is_read", "code"),
    [
        ("plain", None, True, None), ("bell\x07", None, False, "name_not_bids"), ("there", "plain", True, None),
        ("away", "../outside", False, "link_outside"), ("broken", "nothing", False, "file_unreadable"),
        ("annexed", ".git/annex/objects/x", False, "link_annex"),
    ],
)  # fmt: skip
def test_a_path_is_read_that_lies_inside_under_a_name_of_letters(
    name: str, target: str | None, is_read: bool, code: str | None, tmp_path: Path
) -> None:
    root = tmp_path / "study"
    root.mkdir()
    (root / "plain").write_text("x", encoding="utf-8")
    (tmp_path / "outside").write_text("x", encoding="utf-8")
    if target is not None:
        (root / name).symlink_to(target)
    findings: list[Finding] = []
    assert is_inside(root / name, root, findings) == is_read
    assert codes(findings) == ([] if code is None else [code])
