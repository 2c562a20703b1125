"""Exchanges weights with fastparc's tests: exchange.py FOLDER.

Writes models of timm and torchvision with random weights, and what they make of an input, as NAME.pth, NAME.safetensors,
NAME.input.safetensors and NAME.logits.safetensors. Then reads each NAME.ours.safetensors into the class of that name, by
the same names, and writes what it makes of the input as NAME.ours.logits.safetensors.
"""

import os
import sys

import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file

folder = sys.argv[1]


def path(name):
    return os.path.join(folder, name)


def randomize(model, seed):
    """Gives every array values that show where they went: fresh statistics and layer scales are all alike."""
    random = torch.Generator().manual_seed(seed)
    for name, array in model.state_dict().items():
        noise = torch.randn(array.shape, generator=random) if array.is_floating_point() else None
        if name.endswith("num_batches_tracked"):
            array.fill_(1234)
        elif name.endswith("running_var"):
            array.copy_(1 + 0.5 * noise.abs())
        elif array.dim() >= 2 and not name.endswith("layer_scale"):
            array.copy_(noise * (2 / array[0].numel()) ** 0.5)
        elif name.endswith("bias") or name.endswith("running_mean"):
            array.copy_(0.1 * noise)
        else:
            array.copy_(0.5 + 0.1 * noise)
    return model.eval()


def logits(model, images):
    with torch.no_grad():
        return {"logits": model(images)}


def images(size):
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(size))


theirs = {
    "timm-resnet50": (lambda: timm.create_model("resnet50"), 224),
    "timm-mobilenetv2_100": (lambda: timm.create_model("mobilenetv2_100"), 224),
    "timm-convnext_tiny": (lambda: timm.create_model("convnext_tiny", num_classes=7), 224),
    "timm-mobilevit_s": (lambda: timm.create_model("mobilevit_s"), 256),
    "torchvision-mobilenet_v2": (torchvision.models.mobilenet_v2, 224),
    "torchvision-convnext_tiny": (torchvision.models.convnext_tiny, 224),
}
for seed, (name, (make, size)) in enumerate(theirs.items()):
    model, input = randomize(make(), seed), images(size)
    state = model.state_dict()
    save_file({"input": input}, path(name + ".input.safetensors"))
    save_file(logits(model, input), path(name + ".logits.safetensors"))
    save_file(state, path(name + ".safetensors"))
    if name == "timm-resnet50":
        torch.save(state, path(name + ".pth"), _use_new_zipfile_serialization=False)
    elif name == "timm-convnext_tiny":
        wrapped = {"module." + key: torch.nn.Parameter(value, requires_grad=False) for key, value in state.items()}
        torch.save({"epoch": 3, "best": 0.5, "state_dict": wrapped}, path(name + ".pth"))
    elif name == "timm-mobilevit_s":
        transposed = {key: value.transpose(0, -1).contiguous().transpose(0, -1) if value.dim() > 1 else value for key, value in state.items()}
        torch.save({"model_ema": {"module": transposed}}, path(name + ".pth"), pickle_protocol=5)
    else:
        torch.save(state, path(name + ".pth"))

for name, make in {"resnet50": torchvision.models.resnet50, "mobilenetv2": torchvision.models.mobilenet_v2}.items():
    model = make().eval()
    model.load_state_dict(load_file(path(name + ".ours.safetensors")), strict=True)
    input = images(224)
    save_file({"input": input}, path(name + ".input.safetensors"))
    save_file(logits(model, input), path(name + ".ours.logits.safetensors"))
