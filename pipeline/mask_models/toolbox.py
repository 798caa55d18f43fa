"""The Spinal Cord Toolbox's tumour model, called as a program when it is installed; nothing of it is imported.

Lemay et al. 2021, NeuroImage Clin 31:102766, 10.1016/j.nicl.2021.102766: tumour, oedema and cavity from T1w after
contrast and T2w; Dice of tumour alone 62 %, so its masks are proposals that a person must look at.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pipeline.core.volume import Volume, same_grid
from pipeline.errors import InputError, SettingsError
from pipeline.files import child_process, fingerprints, images
from pipeline.mask_models.interface import SourcedMasks
from pipeline.study.label_names import SCT_NAMES

PROGRAM = "sct_deepseg"
TASK = "tumor_edema_cavity_t1_t2"
WORDS = ("tumor", "edema", "cavity")
"""What the toolbox calls its three outputs, as parts of the names of the files that it writes."""

TIMEOUT_SECONDS = 3600
LAST_WORDS = 300
"""Characters of the program's own complaint that a message repeats."""

NOWHERE = "http://127.0.0.1:9"
OFFLINE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), NOWHERE)
OFFLINE |= {"NO_PROXY": "", "no_proxy": ""}
"""The program fetches missing models and reports its errors over the network; no scan's run may depend on that."""

VALID_FOR = (
    "intramedullary tumours on T1w after contrast and T2w (Lemay 2021: Dice 62 % for tumour alone); "
    "the toolbox's cavity is the cyst; to be looked at by a person, not for response on its own"
)


@dataclass(frozen=True)
class ToolboxSource:
    """The installed program; ``version`` is what ``sct_version`` says, or unknown."""

    program: Path
    version: str
    name: str = "sct"
    channels: Sequence[Sequence[str]] = (("T1w_ce", "T1w"), ("T2w",))

    def fingerprint(self) -> str:
        """Return a hash of the program's version and start file."""
        return fingerprints.of_values(self.version, fingerprints.of_file(self.program))

    def draw(self, scans: Sequence[Volume]) -> SourcedMasks:
        """Run the program on a T1w and a T2w scan of one grid, in a folder of its own that is removed afterwards.

        Raises
        ------
        InputError
            The program failed, or did not write what its documentation promises.
        """
        with TemporaryDirectory(prefix="cordtrack-sct-") as name:
            folder = Path(name)
            for file, scan in zip(("t1.nii.gz", "t2.nii.gz"), scans, strict=True):
                images.save(scan.with_array(scan.array.astype(np.float32)), folder / file)
            self._run(folder)
            masks = {SCT_NAMES[word]: _output(folder / "out", word, scans[-1]) for word in WORDS}
        return SourcedMasks(masks, f"sct_deepseg {TASK}, {self.version}", VALID_FOR)

    def _run(self, folder: Path) -> None:
        (folder / "out").mkdir()
        command = [str(self.program), TASK, "-i", "t1.nii.gz", "t2.nii.gz", "-c", "t1", "t2"]
        command += ["-o", "out/mask.nii.gz", "-thr", "0"]
        try:
            done = subprocess.run(
                command, cwd=folder, env=child_process.outside_environment() | OFFLINE, capture_output=True, text=True,
                errors="replace", timeout=TIMEOUT_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{PROGRAM} {TASK}: gave no result in {TIMEOUT_SECONDS} s; run it by hand") from error
        if done.returncode:
            words = (done.stderr or done.stdout).strip()[-LAST_WORDS:]
            raise InputError(
                f"{PROGRAM} {TASK}: expected masks, but it ended with code {done.returncode}: {words}; run it by hand, "
                f"and `{PROGRAM} {TASK} -install` if its model is missing (cordtrack keeps it off the network)"
            )


def find_toolbox() -> ToolboxSource:
    """Return the installed Spinal Cord Toolbox.

    Raises
    ------
    SettingsError
        ``sct_deepseg`` is not on the path.
    """
    place = shutil.which(PROGRAM)
    if place is None:
        raise SettingsError(
            f"masks from sct: expected the program {PROGRAM} of the Spinal Cord Toolbox on the PATH, found none; "
            f"install the toolbox (version 7 or later) and `{PROGRAM} {TASK} -install`, or choose other masks"
        )
    version_program = shutil.which("sct_version")
    version = "version unknown"
    if version_program is not None:
        environment = child_process.outside_environment()
        printed = subprocess.run(
            [version_program], env=environment, capture_output=True, text=True, timeout=60, check=False
        ).stdout
        version = f"version {printed.strip().splitlines()[-1]}" if printed.strip() else version
    return ToolboxSource(Path(place).resolve(), version)


def _output(folder: Path, word: str, like: Volume) -> Volume:
    """Read the output whose name holds a word, as probabilities on the scans' grid."""
    outputs = sorted(path for path in folder.rglob("*.nii.gz") if word in path.name.lower())
    if len(outputs) != 1:
        names = ", ".join(path.name for path in sorted(folder.rglob("*.nii.gz"))) or "none"
        raise InputError(
            f"{PROGRAM} {TASK}: expected one output with {word!r} in its name ({SCT_NAMES[word]}), found {names}; "
            "this version of the toolbox names its outputs otherwise"
        )
    mask = images.load(outputs[0])
    if not same_grid(mask, like):
        raise InputError(f"{PROGRAM} {TASK}: {outputs[0].name} does not lie on the grid of the scans it was given")
    return like.with_array(np.clip(mask.array, 0.0, 1.0).astype(np.float32))
