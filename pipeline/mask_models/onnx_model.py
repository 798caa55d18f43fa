"""Any segmentation model in ONNX format, run by onnxruntime and described by a small TOML file.

The file says which scans the model wants, in which order, direction and voxel size, and what its outputs mean;
nothing is guessed. The model sees the whole scan or what lies around the cord, at once or, when its input has a fixed
size or the file names one, in windows of that size that overlap by half. One thread on the processor: the same masks
on every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from pipeline.cord.cord_finding import find_cord
from pipeline.core.transform import identity, resample
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, to_voxel, to_world
from pipeline.errors import InputError, SettingsError
from pipeline.files import fingerprints, toml_rules
from pipeline.mask_models.interface import SourcedMasks

LETTERS = {"L": (0, -1), "R": (0, 1), "P": (1, -1), "A": (1, 1), "I": (2, -1), "S": (2, 1)}
"""Direction in which an array axis counts up: world axis and sign."""

CLIPPED_PERCENTILES = (0.5, 99.5)
SMALLEST_STEP = 1e-6


class Activation(StrEnum):
    """What must be done to the model's output to make probabilities of it."""

    SOFTMAX = "softmax"  # one class per voxel, background included
    SIGMOID = "sigmoid"  # each output on its own
    NONE = "none"  # these are probabilities already


class Normalisation(StrEnum):
    """How intensities are scaled before the model sees them, each scan by itself."""

    Z_SCORE = "z_score"  # mean 0, standard deviation 1 over the scan
    UNIT = "unit"  # 0 to 1 between the 0.5th and the 99.5th percentile


@dataclass(frozen=True)
class VoxelSize:
    """Edges of the model's voxels along the world's axes, mm."""

    left_right_mm: float
    front_back_mm: float
    head_foot_mm: float


@dataclass(frozen=True)
class Output:
    """What one output channel (counted from 0) means; unnamed ones, such as background, are not used."""

    channel: int
    compartment: Compartment


@dataclass(frozen=True)
class ModelDescription:
    """The TOML file: what the model is, wants and returns (see ``docs/mask-sources.md``).

    Attributes
    ----------
    window
        Voxels along the three axes that a model of free size sees at once; empty for the whole.
    around_cord_mm
        Only what lies within this distance of the cord found on the first channel is looked at; 0 for all.
    """

    model_id: str
    version: str
    file: str
    valid_for: str
    channels: tuple[str, ...]
    orientation: str
    voxel: VoxelSize
    activation: Activation
    normalisation: Normalisation
    outputs: tuple[Output, ...]
    multiple_of: int = 16
    window: tuple[int, ...] = ()
    around_cord_mm: float = 0.0


@dataclass(frozen=True)
class OnnxSource:
    """A described model, ready to draw."""

    description: ModelDescription
    model: Path
    sha256: str

    @property
    def name(self) -> str:
        """The model's id from its description."""
        return self.description.model_id

    @property
    def channels(self) -> Sequence[Sequence[str]]:
        """Contrasts per input channel, alternatives separated by ``|`` in the file."""
        return tuple(tuple(channel.split("|")) for channel in self.description.channels)

    def fingerprint(self) -> str:
        """Return a hash of the model, its description and the version of onnxruntime."""
        return fingerprints.of_values(self.sha256, self.description, _onnxruntime().__version__)

    def draw(self, scans: Sequence[Volume]) -> SourcedMasks:
        """Run the model on scans of one grid, one per input channel.

        Raises
        ------
        InputError
            The model refused the scans, returned something that its description does not fit, or wants to look around
            a cord that is not found.
        """
        wanted = self.description
        grid = _model_grid(scans[0], wanted)
        if wanted.around_cord_mm:
            grid = _around_cord(grid, scans[0], wanted)
        channels = [_normalised(resample(_fine(scan, grid), grid, identity("", ""), order=1), wanted) for scan in scans]
        raw = _run(self.model, np.stack(channels).astype(np.float32), wanted)
        shares = np.clip(_probabilities(raw, wanted.activation), 0.0, 1.0).astype(np.float32)
        masks = {
            output.compartment: resample(
                Volume(shares[output.channel], grid.affine), scans[0], identity("", ""), order=1
            )
            for output in wanted.outputs
        }
        return SourcedMasks(masks, f"onnx {wanted.model_id} {wanted.version}", wanted.valid_for)


def load_model(path: Path) -> OnnxSource:
    """Read a model's description and find the model beside it.

    Raises
    ------
    SettingsError
        The file, the model or onnxruntime is missing, or the description cannot be used; the message says what to do.
    """
    if not path.is_file():
        raise SettingsError(f"{path}: expected the .toml file of a model, found none; check the path")
    table = toml_rules.parse(path.read_bytes(), path.name)
    described: ModelDescription = toml_rules.fill(ModelDescription, table, path.name)
    problems = _problems(described)
    if problems:
        raise SettingsError(f"{path.name}: {'; '.join(problems)}; correct the file")
    model = path.parent / described.file
    if not model.is_file():
        raise SettingsError(f"{path.name}: expected the model {described.file} beside it, found none")
    _onnxruntime()
    return OnnxSource(described, model, fingerprints.of_file(model))


def _problems(described: ModelDescription) -> list[str]:
    axes = [LETTERS[letter][0] for letter in described.orientation if letter in LETTERS]
    edges_mm = vars(described.voxel).values()
    compartments = [output.compartment for output in described.outputs]
    checks = {
        "model_id: expected letters and digits": described.model_id.isalnum(),
        "channels: expected at least one contrast": bool(described.channels),
        "outputs: expected at least one": bool(described.outputs),
        "outputs: each compartment once": len(set(compartments)) == len(compartments),
        "outputs: channels count from 0": all(output.channel >= 0 for output in described.outputs),
        "orientation: expected three letters such as RAS": sorted(axes) == [0, 1, 2]
        and len(described.orientation) == 3,
        "voxel: expected edges above 0": all(edge > 0 for edge in edges_mm),
        "multiple_of: expected 1 or more": described.multiple_of >= 1,
        "window: expected three sizes above 0, each a multiple of multiple_of": not described.window
        or (len(described.window) == 3 and all(n > 0 and n % described.multiple_of == 0 for n in described.window)),
        "around_cord_mm: expected 0 or more": described.around_cord_mm >= 0,
    }
    return [problem for problem, is_met in checks.items() if not is_met]


def _onnxruntime() -> Any:
    try:
        import onnxruntime  # noqa: PLC0415  # an optional extra
    except ImportError as error:
        raise SettingsError(
            "masks from an ONNX model: expected onnxruntime, which is not installed; "
            "install it with: pip install 'cordtrack[onnx]'"
        ) from error
    return onnxruntime


def _model_grid(scan: Volume, wanted: ModelDescription) -> Volume:
    """Return the grid the model sees: along the scan's own axes, in the model's directions and voxel size."""
    edges_mm = tuple(vars(wanted.voxel).values())
    directions = scan.affine[:3, :3] / scan.spacing_mm
    nearest = _matched_axes(directions)
    affine, shape = np.eye(4), []
    corner = np.array([-0.5, -0.5, -0.5])
    for new, letter in enumerate(wanted.orientation):
        world, sign = LETTERS[letter]
        old = nearest.index(world)
        turn = sign * np.sign(directions[world, old])
        affine[:3, new] = directions[:, old] * turn * edges_mm[world]
        if turn < 0:
            corner[old] = scan.shape[old] - 0.5
        length_mm = scan.shape[old] * scan.spacing_mm[old]
        shape.append(max(1, int(np.ceil(length_mm / edges_mm[world] - SMALLEST_STEP))))
    start_mm = scan.affine[:3, :3] @ corner + scan.affine[:3, 3]
    affine[:3, 3] = start_mm + affine[:3, :3] @ np.array([0.5, 0.5, 0.5])
    return Volume(np.broadcast_to(np.float32(0), tuple(shape)), affine)


def _around_cord(grid: Volume, scan: Volume, wanted: ModelDescription) -> Volume:
    """Return the part of the model's grid that lies within a distance of the cord found on a scan."""
    cord = find_cord(scan)
    if not cord.is_found:
        raise InputError(
            f"model {wanted.model_id}: expected a cord on the first channel's scan to look around, found none "
            f"({cord.reason}); draw this visit by hand, or leave around_cord_mm out"
        )
    places = to_voxel(grid.affine, cord.points_mm)
    reach = wanted.around_cord_mm / grid.spacing_mm
    low = np.clip(np.floor(places.min(axis=0) - reach), 0, np.array(grid.shape) - 1).astype(int)
    high = np.clip(np.ceil(places.max(axis=0) + reach), low, np.array(grid.shape) - 1).astype(int)
    affine = grid.affine.copy()
    affine[:3, 3] = to_world(grid.affine, low.astype(np.float64))
    return Volume(np.broadcast_to(np.float32(0), tuple(int(n) for n in high - low + 1)), affine)


def _matched_axes(directions: NDArray[np.float64]) -> list[int]:
    """Return the world axis that each array axis runs along, each one once, however oblique the scan is."""
    left, matched = {0, 1, 2}, [0, 0, 0]
    for old in np.argsort(-np.abs(directions).max(axis=0), kind="stable"):
        matched[old] = max(left, key=lambda world: abs(directions[world, old]))
        left.discard(matched[old])
    return matched


def _fine(scan: Volume, grid: Volume) -> Volume:
    """Blur a scan where the model's voxels are coarser than its own, so that nothing aliases."""
    ratio = float(grid.spacing_mm.mean()) / scan.spacing_mm
    return scan.with_array(ndimage.gaussian_filter(scan.array.astype(np.float32), np.where(ratio > 1, 0.5 * ratio, 0)))


def _normalised(scan: Volume, wanted: ModelDescription) -> NDArray[np.float64]:
    values = scan.array.astype(np.float64)
    if wanted.normalisation == Normalisation.Z_SCORE:
        return (values - values.mean()) / max(float(values.std()), SMALLEST_STEP)
    low, high = np.percentile(values, CLIPPED_PERCENTILES)
    return np.clip((values - low) / max(float(high - low), SMALLEST_STEP), 0.0, 1.0)


def _probabilities(raw: NDArray[np.float64], activation: Activation) -> NDArray[np.float64]:
    if activation == Activation.SOFTMAX:
        return np.asarray(special.softmax(raw, axis=0))
    return np.asarray(special.expit(raw)) if activation == Activation.SIGMOID else raw


def _run(model: Path, channels: NDArray[np.float32], wanted: ModelDescription) -> NDArray[np.float64]:
    """Return the model's output ``(outputs, I, J, K)`` for channels ``(C, I, J, K)``."""
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0]
        size = _window(entry.shape, channels.shape, wanted)
        return _tiled(lambda part: session.run(None, {entry.name: part[None]})[0][0], channels, size, wanted)
    except InputError:
        raise
    except Exception as error:  # onnxruntime's errors have no common class
        error_line = str(error).strip().splitlines()[0][:300]
        raise InputError(
            f"model {wanted.model_id}: expected it to run on this visit's scans, but: {error_line}"
        ) from error


def _window(expected: Sequence[Any], shape: tuple[int, ...], wanted: ModelDescription) -> tuple[int, ...]:
    """Return the window the model sees: its own fixed size, else the described one, else all rounded up."""
    if len(expected) != 5 or (isinstance(expected[1], int) and expected[1] != shape[0]):
        raise InputError(
            f"model {wanted.model_id}: expected an input (batch, {shape[0]} channels, 3 axes), found {expected}; "
            "correct the channels in its description"
        )
    free = wanted.window or [-(-n // wanted.multiple_of) * wanted.multiple_of for n in shape[1:]]
    return tuple(size if isinstance(size, int) else n for size, n in zip(expected[2:], free, strict=True))


def _tiled(
    predict: Callable[[NDArray[np.float32]], NDArray],
    channels: NDArray[np.float32],
    size: tuple[int, ...],
    wanted: ModelDescription,
) -> NDArray[np.float64]:
    """Average the model's answers over windows that overlap by half, each counting most in its middle."""
    shape = channels.shape[1:]
    padded_shape = tuple(max(n, window) for n, window in zip(shape, size, strict=True))
    padding = [(0, 0), *((0, big - n) for n, big in zip(shape, padded_shape, strict=True))]
    padded = np.pad(channels, padding, mode="edge")
    ramps = [np.minimum(np.arange(n) + 1, n - np.arange(n)).astype(np.float64) for n in size]
    weight = np.einsum("i,j,k->ijk", *ramps)
    total, answers = np.zeros(padded_shape), None
    for start in product(*(_starts(n, window) for n, window in zip(padded_shape, size, strict=True))):
        place = tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))
        answer = np.asarray(predict(np.ascontiguousarray(padded[(slice(None), *place)])), dtype=np.float64)
        _check(answer, size, wanted)
        if answers is None:
            answers = np.zeros((len(answer), *padded_shape))
        answers[(slice(None), *place)] += answer * weight
        total[place] += weight
    assert answers is not None  # there is at least one window
    return answers[(slice(None), *(slice(n) for n in shape))] / total[tuple(slice(n) for n in shape)]


def _starts(length: int, window: int) -> Iterator[int]:
    yield from range(0, length - window, max(1, window // 2))
    yield length - window


def _check(answer: NDArray[np.float64], size: tuple[int, ...], wanted: ModelDescription) -> None:
    most = max(output.channel for output in wanted.outputs)
    if answer.ndim != 4 or answer.shape[1:] != size or len(answer) <= most:
        raise InputError(
            f"model {wanted.model_id}: expected an output of at least {most + 1} channels of {size} voxels, "
            f"found {answer.shape}; correct the outputs in its description"
        )
