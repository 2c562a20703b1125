"""Times other libraries on the work that fastparc's benchmark gives them. One process serves one library.

Reads one JSON object a line on stdin and answers each with one on stdout; {"error": ...} where it cannot be done.

    {"call": "load", "library": "torch", "threads": 2}                            ->  {"version"} or {"missing": true, "error"}
    {"call": "prepare_circular", "axis": "height", "training": false, "tensors": FILE}  ->  {"methods": [{"name", "task"}, ...]}
    {"call": "prepare_model", "weights": FILE, "tensors": FILE}                   ->  the same
    {"call": "compute", "method": NAME, "output": FILE}                           ->  {}
    {"call": "time", "method": NAME, "lead": 2, "span": 10, "calls": 100}         ->  {"milliseconds": [...]}

Files are safetensors. Of the circular convolution they hold x and v [B, H, W, C], kernel and embedding [N, C], bias [C]
and local [7, 7, C], and as results y and in training "gradient of x" and so on; of a model the weights under PyTorch's
names, the input as `input` [batch, 3, height, width] and the result as `logits`. Tasks are "circular", "7×7" and "model".

A library is a module peer_NAME with `version` and functions `circular` and maybe `model`, which return methods by name.
"""

import importlib
import json
import os
import signal
import sys
import time

import numpy
from safetensors.numpy import load_file, save_file


class Server:
    """Answers the calls; one work is prepared at a time."""

    def load(self, library, threads):
        os.environ["OMP_NUM_THREADS"] = str(threads)
        self.threads = threads
        try:
            self.library = importlib.import_module("peer_" + library)
        except ImportError as error:
            return {"missing": True, "error": str(error)}
        return {"version": self.library.version}

    def prepare_circular(self, axis, training, tensors):
        self.methods = {}  # frees the last ones
        self.methods = self.library.circular(load_file(tensors), axis, training, self.threads)
        return self.described()

    def prepare_model(self, weights, tensors):
        self.methods = {}
        self.methods = self.library.model(weights, load_file(tensors)["input"], self.threads)
        return self.described()

    def described(self):
        return {"methods": [{"name": name, "task": method.task} for name, method in self.methods.items()]}

    def compute(self, method, output):
        method = self.methods[method]
        arrays = method.arrays(method.run())
        save_file({name: numpy.ascontiguousarray(array) for name, array in arrays.items()}, output)
        return {}

    def time(self, method, lead, span, calls):
        run, clock = self.methods[method].run, time.perf_counter
        start = clock()
        run()
        while 1e3 * (clock() - start) < lead:
            run()
        milliseconds = []
        start = clock()
        while not milliseconds or len(milliseconds) < calls and 1e3 * (clock() - start) < span:
            begin = clock()
            run()
            milliseconds.append(1e3 * (clock() - begin))
        rest()
        return {"milliseconds": milliseconds}


def rest():
    """Waits until the library's threads, which look out for more work for a while, have gone to sleep: they would take
    time from the next contender. So each library may wait as it does by default.

    The system counts the time of a thread on another processor only when its clock ticks, 100 to 1000 times a second: a
    look must last some ticks, or a busy thread goes unseen."""
    look = 0.025
    for _ in range(40):
        before = time.process_time()
        time.sleep(look)
        if time.process_time() - before < look / 20:
            return


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other side closes stdin when it is interrupted
    server = Server()
    calls = {name: getattr(server, name) for name in ("load", "prepare_circular", "prepare_model", "compute", "time")}
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries may print what they like
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = calls[request.pop("call")](**request)
        except Exception as error:  # the other side decides what to do about it
            answer = {"error": f"{type(error).__name__}: {error}".split("\n")[0]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
