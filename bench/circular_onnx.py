"""Builds the spatial form of the operator as an ONNX model."""

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


def build(tensors, axis):
    """Returns the model from x [B, C, H, W] to y, with kernel, embedding and bias as constants."""
    batch, height, width, channels = tensors["x"].shape
    n, dim = tensors["kernel"].shape[0], 2 if axis == "height" else 3
    kernel = tensors["kernel"].T[:, None]  # [C, 1, N]
    embedding = tensors["embedding"].T[None]  # [1, C, N]
    other = 3 if dim == 2 else 2
    constants = {
        "kernel": numpy.expand_dims(kernel, other),
        "embedding": numpy.expand_dims(embedding, other),
        "bias": tensors["bias"],
        "starts": numpy.array([0]),
        "ends": numpy.array([n - 1]),
        "axes": numpy.array([dim]),
    }
    nodes = [helper.make_node("Add", ["x", "embedding"], ["z"])]
    if n > 1:
        nodes += [
            helper.make_node("Slice", ["z", "starts", "ends", "axes"], ["head"]),
            helper.make_node("Concat", ["z", "head"], ["around"], axis=dim),
        ]
    nodes.append(helper.make_node("Conv", ["around" if n > 1 else "z", "kernel", "bias"], ["y"], group=channels))
    shape = [batch, channels, height, width]
    graph = helper.make_graph(
        nodes,
        "circular",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(numpy.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
