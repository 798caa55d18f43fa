"""A segmentation model of one layer, made on the spot: what is bright is tumour."""

from pathlib import Path

import numpy as np

DESCRIPTION = """
model_id = "brightness"
version = "3"
file = "model.onnx"
valid_for = "bright balls in tests"
channels = ["T2w"]
orientation = "{orientation}"
activation = "{activation}"
normalisation = "unit"
multiple_of = 8

[voxel]
left_right_mm = 1.0
front_back_mm = 1.0
head_foot_mm = 1.0

[[outputs]]
channel = 1
compartment = "tumour"
"""


def write_model(
    folder: Path,
    size: tuple[str | int, ...] = ("i", "j", "k"),
    activation: str = "softmax",
    orientation: str = "LPS",
    channels: int = 1,
    text: str = DESCRIPTION,
) -> Path:
    """Write the model and its description into a folder; return the description's path."""
    import onnx  # noqa: PLC0415  # a development dependency that most tests do without

    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = np.zeros((2, channels, 1, 1, 1), np.float32)
    weights[1, 0] = 1.0 if activation == "none" else 40.0
    bias = np.array([0.0, 0.0 if activation == "none" else -20.0], np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["scan", "weights", "bias"], ["classes"])],
        "brightness",
        [helper.make_tensor_value_info("scan", kind, [1, channels, *size])],
        [helper.make_tensor_value_info("classes", kind, [1, 2, *size])],
        [onnx.numpy_helper.from_array(weights, "weights"), onnx.numpy_helper.from_array(bias, "bias")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(made, folder / "model.onnx")
    path = folder / "model.toml"
    path.write_text(text.format(activation=activation, orientation=orientation))
    return path
