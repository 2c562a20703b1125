"""What the libraries' modules have in common."""

from dataclasses import dataclass
from typing import Any, Callable

import numpy

CIRCULAR, LOCAL, MODEL = "circular", "7×7", "model"

GRADIENTS = {CIRCULAR: ["x", "kernel", "embedding", "bias"], LOCAL: ["x", "local", "bias"]}


@dataclass
class Method:
    """One way to compute a task: run() is timed, arrays() turns its result into the arrays that are compared."""

    task: str
    run: Callable[[], Any]
    arrays: Callable[[Any], dict[str, numpy.ndarray]]


def channels_first(x):
    """[B, H, W, C] to a contiguous [B, C, H, W]."""
    return numpy.ascontiguousarray(numpy.moveaxis(x, 3, 1))


def named(task, y, gradients):
    """Names a result and its gradients."""
    return {"y": y} | {f"gradient of {name}": g for name, g in zip(GRADIENTS[task], gradients, strict=True)} if gradients else {"y": y}
