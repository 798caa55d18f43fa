"""The order of the tests: the longest first in each process's share, and every file once."""

from pathlib import Path

from tests.file_times import dealt, recorded_times, write_times


def test_each_share_begins_with_long_files_and_shares_are_about_equal() -> None:
    """Six long files and many short ones among three processes."""
    times = {"a": 60.0, "b": 50.0, "c": 40.0, "d": 30.0, "e": 20.0, "f": 10.0}
    tests = [name for name in times for _ in range(5)] + [f"short{index}" for index in range(60)]
    order = dealt(tests, times, 3)
    shares = [order[start:end] for start, end in ((0, 22), (22, 44), (44, 66))]
    assert sorted(order) == sorted(set(tests))
    assert [share[:2] for share in shares] == [["a", "f"], ["b", "e"], ["c", "d"]]


def test_a_file_that_alone_is_longer_than_all_others_keeps_its_share_from_more() -> None:
    """The long file's share gets short ones only."""
    order = dealt(["x"] * 2 + ["y", "z", "w", "v"], {"x": 100.0, "y": 5.0, "z": 4.0}, 2)
    assert order[0] == "x"
    assert {"y", "z"} <= set(order[2:])


def test_times_are_read_back_as_written(tmp_path: Path) -> None:
    """The longest first, short ones left out; and each file of the record exists."""
    path = tmp_path / "times.toml"
    write_times(path, {"tests/a.py": 3.4, "tests/b.py": 120.2, "tests/c.py": 0.4})
    assert path.read_text() == '"tests/b.py" = 120\n"tests/a.py" = 3\n'
    top = Path(__file__).parents[1]
    assert [name for name in recorded_times() if not (top / name).exists()] == []
