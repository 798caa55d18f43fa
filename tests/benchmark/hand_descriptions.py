"""What the program says of visits of the sample study beside what a reader wrote from their pictures alone.

``python -m tests.benchmark.hand_descriptions [OUT_DIR] [--each]``. Without OUT_DIR, the sample study is run as for the
tests. The reader is no radiologist; ``hand_descriptions.tsv`` says how the descriptions were made.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from pipeline.store import reader
from tests.finished_runs import finished_run
from tests.places import ROOT

HAND = Path(__file__).with_suffix(".tsv")
TRUTH = ROOT / "sample_data" / "truth" / "description.tsv"
CANNOT_TELL = "cannot tell"
KEY = ["patient_id", "session_id", "lesion_id", "finding"]


def by_hand(path: Path = HAND) -> pd.DataFrame:
    """Return the hand-made descriptions: the key, ``hand`` (term; missing: cannot tell) and ``hand_sure`` (bool)."""
    table = pd.read_csv(path, sep="\t", comment="#", dtype=str, keep_default_na=False)
    return table.assign(
        lesion_id="L" + table["lesion"],
        hand=table["value"].where(table["value"] != CANNOT_TELL),
        hand_sure=table["sure"] == "yes",
    )[[*KEY, "hand", "hand_sure"]]


def put_in(path: Path = TRUTH) -> pd.DataFrame:
    """Return what the sample's generator put into its scans: the key and ``truth``, for the findings it names."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table = table.rename(columns={"participant_id": "patient_id", "value": "truth"})
    return table.assign(lesion_id="L" + table["lesion"])[[*KEY, "truth"]]


def beside(hand: pd.DataFrame, program: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return one row per finding described by hand, with the program's term, its sureness and reason, and the truth.

    Parameters
    ----------
    hand
        As ``by_hand`` returns it.
    program
        The view ``description`` of a store.
    truth
        As ``put_in`` returns it; findings it does not name have none.

    Raises
    ------
    ValueError
        The store has no row for a finding that was described by hand: it is of another study.
    """
    said = program.rename(columns={"value": "program"})[[*KEY, "program", "sureness", "reason"]]
    table = hand.merge(said, on=KEY, how="left", validate="1:1", indicator=True)
    absent = table.loc[table["_merge"] == "left_only", KEY]
    if len(absent):
        raise ValueError(
            f"{len(absent)} findings described by hand are not in the store, the first {tuple(absent.iloc[0])}; "
            "expected a store of the sample study: give the output folder of cordtrack run sample_data/study"
        )
    return table.drop(columns="_merge").merge(truth, on=KEY, how="left", validate="1:1")


def agreement(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per finding and one for all: how often the program says what the hand says, and who is right.

    Parameters
    ----------
    table
        As ``beside`` returns it.
    """
    parts = {str(name): part for name, part in table.groupby("finding", sort=False)} | {"all": table}
    return pd.DataFrame([{"finding": name, **_counted(part)} for name, part in parts.items()])


def _counted(part: pd.DataFrame) -> dict[str, str | int]:
    by_eye = part["hand"].notna()
    same = part["program"] == part["hand"]
    is_sure = part["program"].notna() & (part["sureness"] == "sure")
    is_unsure = part["program"].notna() & ~is_sure
    has_truth = part["truth"].notna()
    return {
        "described": len(part),
        "same, program sure": _of(same, by_eye & is_sure),
        "same, both sure": _of(same, by_eye & is_sure & part["hand_sure"]),
        "same, program unsure": _of(same, by_eye & is_unsure),
        "only the hand tells": int((by_eye & part["program"].isna()).sum()),
        "only the program tells": int((~by_eye & part["program"].notna()).sum()),
        "neither tells": int((~by_eye & part["program"].isna()).sum()),
        "program sure, as put in": _of(part["program"] == part["truth"], has_truth & is_sure),
        "program unsure, as put in": _of(part["program"] == part["truth"], has_truth & is_unsure),
        "hand, as put in": _of(part["hand"] == part["truth"], has_truth & by_eye),
    }


def _of(right: pd.Series, among: pd.Series) -> str:
    return f"{int((right & among).sum())} of {int(among.sum())}" if among.any() else "-"


def disagreements(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows where hand and program both tell, and tell different things."""
    both = table["hand"].notna() & table["program"].notna()
    return table[both & (table["hand"] != table["program"])]


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown; what is missing is an empty cell."""
    cells = [[str(name) for name in table.columns], ["---"] * len(table.columns)]
    cells += [["" if pd.isna(cell) else str(cell) for cell in row] for row in table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out_dir", nargs="?", type=Path, help="output folder of a run of sample_data/study")
    parser.add_argument("--each", action="store_true", help="name each finding on which the two differ")
    arguments = parser.parse_args()
    out_dir = arguments.out_dir or finished_run("sample", ROOT / "sample_data" / "study")
    program = reader.table(reader.database_path(out_dir), "description")
    table = beside(by_hand(), program, put_in())
    visits = len(table[["patient_id", "session_id"]].drop_duplicates())
    print(f"## Descriptions by hand\n\n{visits} visits, by a reader who is no radiologist, from montages.\n")
    print(markdown(agreement(table)), end="\n\n")
    if arguments.each:
        print(markdown(disagreements(table)), end="\n\n")


if __name__ == "__main__":
    main()
