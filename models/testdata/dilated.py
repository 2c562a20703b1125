"""Writes what timm's models make of images at an output stride.

Usage: dilated.py MODEL OUTPUT_STRIDE WEIGHTS INPUT OUTPUT

WEIGHTS has the reference's names; the tensors "input" and "features" are [batch, channels, height, width].
"""

import sys

import timm
import torch
from safetensors.torch import load_file, save_file
from timm.models.convnext import checkpoint_filter_fn

name, output_stride, weights, source, target = sys.argv[1:]
torch.set_num_threads(2)
model = timm.create_model(name, output_stride=int(output_stride)).eval()
state = load_file(weights)
own = model.state_dict()
if name.startswith("convnext"):
    state = checkpoint_filter_fn(state, model)
elif name.startswith("mobilenet"):
    learned = [key for key in own if not key.endswith("num_batches_tracked")]
    # torchvision's numbers say in which order modules stand, which is timm's
    modules = {key.rsplit(".", 1)[0] for key in state}
    modules = sorted(modules, key=lambda module: (module.startswith("classifier"), [int(part) for part in module.split(".") if part.isdigit()]))
    names = dict(zip(dict.fromkeys(key.rsplit(".", 1)[0] for key in learned), modules, strict=True))
    state = {key: state[names[key.rsplit(".", 1)[0]] + "." + key.rsplit(".", 1)[1]] for key in learned}
missing, unexpected = model.load_state_dict(state, strict=False)
assert not unexpected and all(key.endswith("num_batches_tracked") for key in missing), (missing, unexpected)
with torch.no_grad():
    features = model.forward_features(load_file(source)["input"])
save_file({"features": features.contiguous()}, target)
