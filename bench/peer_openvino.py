"""OpenVINO: the spatial form of the operator. It has no training."""

import numpy
import openvino

import circular_onnx
from method import CIRCULAR, Method, channels_first, named

version = openvino.__version__.split("-")[0]


def circular(tensors, axis, training, threads):
    if training:
        return {}
    core = openvino.Core()
    model = core.read_model(circular_onnx.build(tensors, axis).SerializeToString())
    compiled = core.compile_model(
        model,
        "CPU",
        {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"},
    )
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(channels_first(tensors["x"])))

    def run():
        request.start_async()
        request.wait()

    y = lambda _: named(CIRCULAR, numpy.moveaxis(request.get_output_tensor().data, 1, 3), None)
    return {"spatial": Method(CIRCULAR, run, y)}
