"""The faults that are made on purpose are faults, and each changes one place."""

from tests.mutants.faults import faults_of, with_fault

SOURCE = '''
def grown(now_mm3: float, nadir_mm3: float, ratio: float = 1.4) -> bool:
    """Say whether a tumour has grown."""
    return now_mm3 >= ratio * nadir_mm3 and not nadir_mm3 < 0
'''


def test_every_place_that_can_be_wrong_is_made_wrong_once() -> None:
    faults = faults_of(SOURCE)
    assert [fault.after for fault in faults] == ["2.4", "Or", "Gt", "without not", "Div", "LtE", "1"]
    assert len({with_fault(SOURCE, fault) for fault in faults}) == len(faults)


def test_a_fault_changes_what_the_code_does() -> None:
    faulty: dict[str, object] = {}
    boundary = next(fault for fault in faults_of(SOURCE) if fault.after == "Gt")
    exec(with_fault(SOURCE, boundary), faulty)
    assert faulty["grown"](1.4, 1.0) is False  # type: ignore[operator]
