"""The ConvNeXt models of fastparc as ONNX graphs, built from a weight file under PyTorch's names.

The graph is written the way that ONNX Runtime was found to run fastest: LayerNormalization and Gelu as single
operators, dense layers as 1x1 convolutions (10 to 20 % faster than products on the last axis), the layer scale
multiplied into the second of them. The circular convolution is the paper's Algorithm 1: the embedding added, the input
concatenated with all but its last row, then a depth-wise convolution without padding.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

LAYER_NORM_EPSILON = 1e-6
OPSET = 20  # Gelu is an operator from here on


def build(weight_file: str, batch: int, height: int, width: int) -> onnx.ModelProto:
    """Returns the graph from `input` [batch, 3, height, width] to `logits` [batch, classes]."""
    graph = Graph(load_file(weight_file))
    x = graph.convolution("input", "downsample_layers.0.0", stride=4)
    x = graph.channel_norm(x, "downsample_layers.0.1")
    rows, columns = height // 4, width // 4
    for stage in range(4):
        if stage > 0:
            name = f"downsample_layers.{stage}"
            x = graph.channel_norm(x, f"{name}.0")
            x = graph.convolution(x, f"{name}.1", stride=2)
            rows, columns = rows // 2, columns // 2
        for block in range(graph.count(f"stages.{stage}")):
            x = graph.block(x, f"stages.{stage}.{block}", rows, columns)
    x = graph.node("ReduceMean", x, graph.constant(np.array([2, 3], np.int64)), keepdims=0)
    x = graph.layer_norm(x, "norm")
    graph.node("Gemm", x, graph.weight("head.weight"), graph.weight("head.bias"), transB=1, output="logits")
    return graph.model([batch, 3, height, width], [batch, graph.weights["head.bias"].size])


class Graph:
    """Nodes and constants of a graph in the making; every method adds nodes and returns the name of their result."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self.weights = weights
        self.nodes = []
        self.constants = {}

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes) -> str:
        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, value: np.ndarray, name: str | None = None) -> str:
        name = name or f"constant_{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def weight(self, name: str) -> str:
        return self.constant(self.weights[name], name)

    def count(self, prefix: str) -> int:
        """How many numbered modules stand below a prefix."""
        return len({name[len(prefix) + 1 :].split(".")[0] for name in self.weights if name.startswith(prefix + ".")})

    def block(self, x: str, name: str, rows: int, columns: int) -> str:
        if f"{name}.dwconv.weight" in self.weights:
            y = self.convolution(x, f"{name}.dwconv", padding=3, groups=self.weights[f"{name}.dwconv.bias"].size)
        else:
            half_h, half_w = self.halves(x)
            y = self.node(
                "Concat",
                self.circular(half_h, f"{name}.gcc_H", axis=2, length=rows),
                self.circular(half_w, f"{name}.gcc_W", axis=3, length=columns),
                axis=1,
            )
        y = self.channel_norm(y, f"{name}.norm")
        y = self.node("Gelu", self.dense(y, f"{name}.pwconv1"))
        y = self.dense(y, f"{name}.pwconv2", scale=self.weights[f"{name}.gamma"])
        return self.node("Add", x, y)

    def circular(self, x: str, name: str, axis: int, length: int) -> str:
        """Position-aware circular convolution along one axis."""
        kernel = self.weights[f"{name}.gcc_conv.weight"]
        if kernel.shape[axis] != length:
            raise ValueError(f"{name}: kernel of {kernel.shape[axis]} on an axis of {length}; the peer fits no kernels")
        if f"{name}.pe" in self.weights:
            x = self.node("Add", x, self.weight(f"{name}.pe"))
        bounds = [self.constant(np.array([v], np.int64)) for v in (0, length - 1, axis)]
        z = self.node("Concat", x, self.node("Slice", x, *bounds), axis=axis)
        return self.convolution(z, f"{name}.gcc_conv", groups=kernel.shape[0])

    def halves(self, x: str) -> list[str]:
        outputs = [f"half_{len(self.nodes)}_{axis}" for axis in "HW"]
        self.nodes.append(helper.make_node("Split", [x], outputs, axis=1, num_outputs=2))
        return outputs

    def convolution(self, x: str, name: str, stride: int = 1, padding: int = 0, groups: int = 1) -> str:
        inputs = [x, self.weight(f"{name}.weight")]
        if f"{name}.bias" in self.weights:
            inputs.append(self.weight(f"{name}.bias"))
        return self.node("Conv", *inputs, strides=[stride, stride], pads=[padding] * 4, group=groups)

    def dense(self, x: str, name: str, scale: np.ndarray | None = None) -> str:
        """A dense layer on the channel axis, its outputs scaled."""
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        if scale is not None:
            weight, bias = weight * scale[:, np.newaxis], bias * scale
        kernel = self.constant(weight[:, :, np.newaxis, np.newaxis], f"{name}.weight")
        return self.node("Conv", x, kernel, self.constant(bias, f"{name}.bias"))

    def channel_norm(self, x: str, name: str) -> str:
        """Normalises over the channels of [batch, channels, height, width]."""
        channels_last = self.node("Transpose", x, perm=[0, 2, 3, 1])
        return self.node("Transpose", self.layer_norm(channels_last, name), perm=[0, 3, 1, 2])

    def layer_norm(self, x: str, name: str) -> str:
        return self.node(
            "LayerNormalization",
            x,
            self.weight(f"{name}.weight"),
            self.weight(f"{name}.bias"),
            axis=-1,
            epsilon=LAYER_NORM_EPSILON,
        )

    def model(self, input_shape: list[int], logits_shape: list[int]) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "fastparc",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, input_shape)],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, logits_shape)],
            list(self.constants.values()),
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
        onnx.checker.check_model(model)
        return model
