"""Sources of automatic masks: a stand-in for the toolbox's program, and tiny ONNX models made here.

The whole file runs in a few seconds.
"""

import re
import stat
import sys
import tomllib
from functools import partial

import numpy as np
import pytest

from pipeline import mask_models
from pipeline.cord.cord_finding import find_cord
from pipeline.core.vocabulary import Compartment
from pipeline.core.volume import Volume, voxel_centres_mm
from pipeline.errors import InputError, SettingsError
from pipeline.files import images
from pipeline.measure.volumes import measure
from tests.places import ROOT
from tests.tiny_model import DESCRIPTION, write_model

STAND_IN = """#!{python}
import os
import sys
import nibabel
assert os.environ["https_proxy"] == os.environ["HTTPS_PROXY"] == "http://127.0.0.1:9", "kept off the network"
arguments = sys.argv[1:]
assert arguments[0] == "tumor_edema_cavity_t1_t2", arguments
files = arguments[arguments.index("-i") + 1 : arguments.index("-i") + 3]
assert arguments[arguments.index("-c") + 1 : arguments.index("-c") + 3] == ["t1", "t2"]
t1, t2 = (nibabel.load(file) for file in files)
out = arguments[arguments.index("-o") + 1]
for word, image, level in (("_tumor_seg", t1, 150), ("_edema_seg", t2, 150), ("_cavity_seg", t2, 250)):
    drawn = (image.get_fdata() > level).astype("float32")
    nibabel.save(nibabel.Nifti1Image(drawn, image.affine), out.replace(".nii.gz", word + ".nii.gz"))
"""


def ball(level, radius_mm, spacing_mm=(3.3, 1.0, 1.0), shape=(11, 40, 44)):
    """A bright ball at the middle of a dark scan."""
    affine = np.diag([-spacing_mm[0], -spacing_mm[1], spacing_mm[2], 1.0])
    steps = [s * (np.arange(n) - (n - 1) / 2) for s, n in zip(spacing_mm, shape, strict=True)]
    from_middle = np.sqrt(sum(axis**2 for axis in np.meshgrid(*steps, indexing="ij")))
    return Volume(np.where(from_middle < radius_mm, level, 0.0), affine)


@pytest.fixture
def toolbox(tmp_path, monkeypatch):
    """A folder on the path with a program that thresholds in place of the toolbox."""

    def install(text=STAND_IN):
        program = tmp_path / "sct_deepseg"
        program.write_text(text.format(python=sys.executable))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        return mask_models.source_of("sct")

    return install


def test_the_toolbox_s_three_outputs_become_our_compartments(toolbox, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    source = toolbox()
    scans = {"T1w": ball(100, 9), "T1w_ce": ball(200, 6), "T2w": ball(200, 8)}
    drawn = mask_models.masks_of(scans, source)
    assert set(drawn.masks) == {Compartment.TUMOUR, Compartment.OEDEMA, Compartment.CYST}
    assert (drawn.masks[Compartment.TUMOUR].array == (scans["T1w_ce"].array > 0)).all()  # the T1w after contrast
    assert (drawn.masks[Compartment.OEDEMA].array == (scans["T2w"].array > 0)).all()
    assert not drawn.masks[Compartment.CYST].array.any()  # cavity, looked for and not found
    assert "tumor_edema_cavity_t1_t2" in drawn.method
    assert "person" in drawn.valid_for


def test_a_missing_toolbox_is_explained(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match=r"sct_deepseg of the Spinal Cord Toolbox.*found none; install"):
        mask_models.source_of("sct")


def test_a_visit_without_the_contrast_says_which_one_is_needed(toolbox):
    with pytest.raises(InputError, match=r"need a T1w_ce or T1w scan of the visit, found T2w"):
        mask_models.masks_of({"T2w": ball(200, 8)}, toolbox())


def test_a_failing_program_is_quoted(toolbox):
    source = toolbox("#!{python}\nimport sys\nsys.exit('no model here')\n")
    with pytest.raises(InputError, match=r"ended with code 1: no model here"):
        mask_models.masks_of({"T1w": ball(100, 9), "T2w": ball(200, 8)}, source)


def test_outputs_of_other_names_are_refused_not_guessed(toolbox):
    source = toolbox(STAND_IN.replace("_edema_seg", "_swelling_seg"))
    with pytest.raises(InputError, match=r"one output with 'edema' in its name \(oedema\), found mask_cavity_seg"):
        mask_models.masks_of({"T1w": ball(100, 9), "T2w": ball(200, 8)}, source)


@pytest.fixture
def model(tmp_path):
    """Writes a one-layer model (bright is tumour) with its description; returns the description's path."""
    pytest.importorskip("onnxruntime", reason="the extra cordtrack[onnx] is not installed")
    pytest.importorskip("onnx", reason="onnx makes the test's models")
    return partial(write_model, tmp_path)


@pytest.mark.parametrize("size", [("i", "j", "k"), (16, 16, 16)], ids=["whole scan", "windows"])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
@pytest.mark.parametrize("orientation", ["LPS", "SRA"])
def test_a_model_draws_on_the_scan_s_own_grid_whatever_it_wants_to_see(model, size, activation, orientation):
    scan = ball(300, 10)
    source = mask_models.source_of(str(model(size, activation, orientation)))
    drawn = mask_models.masks_of({"T2w": scan}, source)
    tumour = drawn.masks[Compartment.TUMOUR]
    assert tumour.shape == scan.shape
    assert np.array_equal(tumour.affine, scan.affine)
    # Off the ball's edge nothing may differ; at the edge the resampling to 1 mm and back blurs.
    inside, outside = ball(1, 8).array > 0, ball(1, 13).array == 0
    assert tumour.array[inside].min() > 0.9
    assert tumour.array[outside].max() < 0.1
    assert measure(tumour).volume_mm3 == pytest.approx(scan.array.sum() / 300 * scan.voxel_mm3, rel=0.08)
    assert drawn.method == "onnx brightness 3"
    assert drawn.valid_for == "bright balls in tests"


def test_two_runs_of_a_model_agree_to_the_last_bit(model):
    source = mask_models.source_of(str(model((16, 16, 16))))
    first, second = (mask_models.masks_of({"T2w": ball(300, 10)}, source).masks for _ in range(2))
    assert np.array_equal(first[Compartment.TUMOUR].array, second[Compartment.TUMOUR].array)


def test_another_model_or_description_is_another_fingerprint(model):
    first = mask_models.source_of(str(model())).fingerprint()
    assert first == mask_models.source_of(str(model())).fingerprint()
    assert first != mask_models.source_of(str(model((16, 16, 16)))).fingerprint()
    assert first != mask_models.source_of(str(model(text=DESCRIPTION.replace('"3"', '"4"')))).fingerprint()


def test_a_model_of_other_channels_than_described_is_refused(model):
    source = mask_models.source_of(str(model(channels=2)))
    with pytest.raises(InputError, match=r"expected an input \(batch, 1 channels, 3 axes\), found"):
        mask_models.masks_of({"T2w": ball(300, 10)}, source)


def test_a_described_output_that_the_model_lacks_is_refused(model):
    source = mask_models.source_of(str(model(text=DESCRIPTION.replace("channel = 1", "channel = 2"))))
    with pytest.raises(InputError, match=r"at least 3 channels"):
        mask_models.masks_of({"T2w": ball(300, 10)}, source)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"brightness"', '"my model"'), "model_id: expected an id of letters, digits"),
        (('"{orientation}"', '"RLS"'), "orientation: expected three letters"),
        (("left_right_mm = 1.0", "left_right_mm = 0.0"), "voxel: expected edges above 0"),
        (('compartment = "tumour"', 'compartment = "lesion"'), "expected one of tumour, enhancing"),
        (('"unit"', '"histogram"'), "expected one of z_score, unit"),
        (('"model.onnx"', '"other.onnx"'), "expected the model other.onnx beside it"),
        (("[voxel]", "[voxels]"), "unknown key 'voxels'"),
        (
            ("multiple_of = 8", 'multiple_of = 8\nwindow = "all"'),
            "window: expected a list of whole numbers",
        ),
        (
            ("multiple_of = 8", "multiple_of = 8\nwindow = [16, 16.5, 16]"),
            "window: expected a whole number, found 16.5",
        ),
        (("multiple_of = 8", "multiple_of = 8\naround_cord_mm = -1"), "around_cord_mm: expected 0 or more"),
    ],
)
def test_a_description_that_cannot_be_used_is_refused_whole(model, change, words):
    path = model(text=DESCRIPTION.replace(*change))
    with pytest.raises(SettingsError, match=words):
        mask_models.source_of(str(path))


RECIPE = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "mask-sources.md").read_text(encoding="utf-8"), re.DOTALL)[1]


def write_stand_in(folder):
    """A model of the recipe's inputs and outputs, of free size: tumour is bright on the second, oedema on the first.

    Cyst is said wherever the second is bright on average over all that the model sees at once.
    """
    import onnx  # noqa: PLC0415  # a development dependency

    path = folder / "model.toml"
    path.write_text(RECIPE, encoding="utf-8")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = np.zeros(
        (4, 2, 1, 1, 1), np.float32
    )  # outputs tumour, oedema, cavity, whole; inputs T2w, T1w after contrast
    weights[0, 1] = weights[1, 0] = weights[3, 0] = 40.0
    mean_weights = np.zeros_like(weights)
    mean_weights[2, 1] = 1000.0
    bias = np.array([-80.0, -80.0, -80.0, -80.0], np.float32)
    free = ["batch", "channels", "height", "width", "depth"]
    nodes = [
        helper.make_node("Conv", ["input", "weights", "bias"], ["of_voxels"]),
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=[2, 3, 4], keepdims=1),
        helper.make_node("Conv", ["mean", "mean_weights"], ["of_mean"]),
        helper.make_node("Add", ["of_voxels", "of_mean"], ["classes"]),
        helper.make_node("Sigmoid", ["classes"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info("input", kind, free)],
        [helper.make_tensor_value_info("output", kind, free)],
        [onnx.numpy_helper.from_array(weights, "weights"), onnx.numpy_helper.from_array(bias, "bias")],
    )
    graph.initializer.append(onnx.numpy_helper.from_array(mean_weights, "mean_weights"))
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(whole, folder / tomllib.loads(RECIPE)["file"])
    return path


@pytest.fixture
def spine(tmp_path):
    """The source of the recipe and a T2w and T1w whose bright balls lie in the phantom's cord, and one far from it."""
    pytest.importorskip("onnxruntime", reason="the extra cordtrack[onnx] is not installed")
    pytest.importorskip("onnx", reason="onnx makes the test's models")
    scan = images.load(ROOT / "pipeline" / "selftest" / "phantom" / "synthetic_T2w.nii.gz")
    middle_mm = find_cord(scan).points_mm[40]
    places_mm = voxel_centres_mm(scan)
    inside = np.linalg.norm(places_mm - middle_mm, axis=-1) < 8
    far = np.linalg.norm(places_mm - middle_mm - [0.0, 38.0, 0.0], axis=-1) < 5
    bright = scan.array.astype(np.float64).max() * 4
    t1w = np.where(inside | far, bright, 1.0)
    scans = {"T2w": scan.with_array(scan.array.astype(np.float64)), "T1w_ce": scan.with_array(t1w)}
    return mask_models.source_of(str(write_stand_in(tmp_path))), scans, inside, far


def test_the_recipe_of_the_two_input_tumour_model_draws_around_the_cord_on_the_scans_grid(spine):
    source, scans, inside, far = spine
    drawn = mask_models.masks_of(scans, source)
    assert set(drawn.masks) == {Compartment.TUMOUR, Compartment.OEDEMA, Compartment.CYST}
    tumour = drawn.masks[Compartment.TUMOUR]
    assert tumour.shape == scans["T2w"].shape
    assert far.any()
    assert tumour.array[far].max() == 0, "as bright, but further from the cord than 30 mm"
    overlap = 2 * (inside & (tumour.array >= 0.5)).sum() / (inside.sum() + (tumour.array >= 0.5).sum())
    assert overlap > 0.8
    assert not drawn.masks[Compartment.CYST].array.any()
    assert "Dice 62 %" in drawn.valid_for


def test_the_recipe_needs_both_contrasts_and_a_cord(spine):
    source, scans, _, _ = spine
    with pytest.raises(InputError, match=r"need a T1w_ce scan of the visit, found T2w"):
        mask_models.masks_of({"T2w": scans["T2w"]}, source)
    noise = np.random.default_rng(1).normal(100, 10, scans["T2w"].shape)
    with pytest.raises(InputError, match=r"expected a cord on the first channel's scan to look around, found none"):
        mask_models.masks_of({**scans, "T2w": scans["T2w"].with_array(noise)}, source)


def test_windows_of_a_free_model_are_those_described(spine, tmp_path):
    """The answers of overlapping windows join without a seam; a size that the model cannot halve is refused."""
    source, scans, _, _ = spine
    path = tmp_path / "model.toml"
    path.write_text(RECIPE.replace("window = [128, 128, 32]", "window = [32, 32, 16]"), encoding="utf-8")
    parts = mask_models.masks_of(scans, mask_models.source_of(str(path))).masks
    whole = mask_models.masks_of(scans, source).masks
    assert np.allclose(parts[Compartment.TUMOUR].array, whole[Compartment.TUMOUR].array, atol=1e-6)
    assert whole[Compartment.CYST].array.max() < 0.5 < parts[Compartment.CYST].array.max(), "each part seen by itself"
    path.write_text(RECIPE.replace("window = [128, 128, 32]", "window = [100, 128, 32]"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"window: expected three sizes above 0, each a multiple of multiple_of"):
        mask_models.source_of(str(path))


def test_what_is_no_source_is_refused_in_words():
    assert mask_models.source_of("given") is None
    with pytest.raises(SettingsError, match=r"expected given, sct or the path of a model's .toml file"):
        mask_models.source_of("nnunet")
    with pytest.raises(SettingsError, match=r"none.toml: expected the .toml file of a model, found none"):
        mask_models.source_of("none.toml")
