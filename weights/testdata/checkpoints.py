"""Writes the checkpoints beside this file, which the tests read where there is no PyTorch: checkpoints.py FOLDER."""

import argparse
import collections
import os
import sys

import numpy
import torch

matrix = torch.arange(6, dtype=torch.float32).reshape(2, 3)
state = collections.OrderedDict(
    matrix=matrix,
    transposed=matrix.t(),
    row=matrix[1],
    half=torch.tensor([-2.5, 0.5], dtype=torch.float16),
    brain=torch.tensor([[-2.5], [3.0]], dtype=torch.bfloat16),
    double=torch.tensor(0.1, dtype=torch.float64),
    count=torch.tensor(1 << 40),
    parameter=torch.nn.Parameter(torch.tensor([7.0])),
)
layer = torch.nn.Linear(2, 1)
optimizer = torch.optim.AdamW(layer.parameters())
layer(torch.ones(1, 2)).backward()
optimizer.step()
training = {
    "epoch": 3,
    "best": numpy.float64(0.5),
    "args": argparse.Namespace(model="x", lr=1e-3, betas=(0.9, 0.999), seed=None),
    "optimizer": optimizer.state_dict(),
    "history": collections.defaultdict(list, loss=[1.0, 0.5]),
    "model": {"module." + name: value for name, value in state.items()},
}


def path(name):
    return os.path.join(sys.argv[1], name)


torch.save(state, path("zip.pt"))
torch.save(training, path("training.pth"), pickle_protocol=4)
torch.save(training, path("legacy.pth"), _use_new_zipfile_serialization=False)
torch.save(layer, path("module.pt"))
