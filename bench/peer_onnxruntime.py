"""ONNX Runtime: the spatial form of the operator, and whole models. It has no training."""

import numpy
import onnxruntime

import circular_onnx
import convnext_onnx
from method import CIRCULAR, MODEL, Method, channels_first, named

version = onnxruntime.__version__


def circular(tensors, axis, training, threads):
    if training:
        return {}
    model = circular_onnx.build(tensors, axis)
    session = open_session(model, threads)
    # Input and output stay in place, so that nothing is copied or allocated by a call.
    x = onnxruntime.OrtValue.ortvalue_from_numpy(channels_first(tensors["x"]))
    y = onnxruntime.OrtValue.ortvalue_from_shape_and_type(x.shape(), numpy.float32)
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", y)
    run = lambda: session.run_with_iobinding(binding)
    return {"spatial": Method(CIRCULAR, run, lambda _: named(CIRCULAR, numpy.moveaxis(y.numpy(), 1, 3), None))}


def model(weight_file, images, threads):
    batch, _, height, width = images.shape
    session = open_session(convnext_onnx.build(weight_file, batch, height, width), threads)
    run = lambda: session.run(["logits"], {"input": images})[0]
    return {"model": Method(MODEL, run, lambda logits: {"logits": logits})}


def open_session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
