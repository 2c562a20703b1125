"""Times other runtimes on the work that fastparc's benchmark gives them.

Reads one JSON object a line on stdin and answers each with one on stdout; `{"error": ...}` where it cannot be done.

    {"call": "open", "peer": "onnxruntime", "weights": FILE, "input": FILE, "threads": 2}  ->  {"peer", "version"}
    {"call": "logits"}                                                                    ->  {"logits": [[...], ...]}
    {"call": "time", "runs": 5}                                                           ->  {"milliseconds": [...]}

Both files are safetensors: the weights under PyTorch's names, the input as `input` [batch, 3, height, width]. Another
runtime is a class with `version`, `__init__(weight_file, images, threads)` and `run()`, entered in PEERS.
"""

import json
import sys
import time

import onnxruntime
from safetensors.numpy import load_file

import convnext_onnx


class OnnxRuntime:
    version = onnxruntime.__version__

    def __init__(self, weight_file, images, threads):
        batch, _, height, width = images.shape
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Its threads wait busily within a run, as by default, but not after it, when another contender has its turn.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        model = convnext_onnx.build(weight_file, batch, height, width).SerializeToString()
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.inputs = {"input": images}

    def run(self):
        return self.session.run(["logits"], self.inputs)[0]


PEERS = {"onnxruntime": OnnxRuntime}


class Server:
    """Answers the calls; one peer with one model is open at a time."""

    def open(self, peer, weights, input, threads):
        self.peer = PEERS[peer](weights, load_file(input)["input"], threads)
        return {"peer": peer, "version": self.peer.version}

    def logits(self):
        return {"logits": self.peer.run().tolist()}

    def time(self, runs):
        milliseconds = []
        for _ in range(runs):
            start = time.perf_counter()
            self.peer.run()
            milliseconds.append(1e3 * (time.perf_counter() - start))
        return {"milliseconds": milliseconds}


def main():
    server = Server()
    calls = {"open": server.open, "logits": server.logits, "time": server.time}
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = calls[request.pop("call")](**request)
        except Exception as error:  # the other side decides what to do about it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
