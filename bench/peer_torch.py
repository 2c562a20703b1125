"""PyTorch: both forms of the operator and a local depth-wise convolution, in both layouts."""

import numpy
import torch
import torch.nn.functional as F

from method import CIRCULAR, LOCAL, Method, channels_first, named

version = torch.__version__.split("+")[0]


def circular(tensors, axis, training, threads):
    torch.set_num_threads(threads)
    dim = 2 if axis == "height" else 3
    layouts = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
    methods = {}
    for layout, memory_format in layouts.items():
        work = Work(tensors, dim, memory_format)
        methods[f"spatial, {layout}"] = work.method(CIRCULAR, work.spatial, training)
        if training:
            methods[f"fft, {layout}"] = work.method(CIRCULAR, work.fft, True)
        else:
            methods[f"fft, {layout}"] = work.method(CIRCULAR, work.fft_with_spectrum(), False)
        methods[f"7×7, {layout}"] = work.method(LOCAL, work.local, training)
    return methods


class Work:
    """The operands as PyTorch lays them out, and what is computed from them."""

    def __init__(self, tensors, dim, memory_format):
        self.dim, self.n = dim, tensors["kernel"].shape[0]
        self.x, self.v = (
            torch.from_numpy(channels_first(tensors[name])).to(memory_format=memory_format) for name in ("x", "v")
        )
        along = (lambda t: t.T[None, :, :, None]) if dim == 2 else (lambda t: t.T[None, :, None, :])
        self.embedding = torch.from_numpy(numpy.ascontiguousarray(along(tensors["embedding"])))
        self.kernel = torch.from_numpy(numpy.ascontiguousarray(along(tensors["kernel"]).swapaxes(0, 1)))
        self.bias = torch.from_numpy(tensors["bias"])
        self.small = torch.from_numpy(numpy.ascontiguousarray(numpy.moveaxis(tensors["local"], 2, 0)[:, None]))

    def spatial(self, x, kernel, embedding, bias):
        z = x + embedding
        z = torch.cat([z, z.narrow(self.dim, 0, self.n - 1)], self.dim)
        return F.conv2d(z, kernel, bias, groups=x.shape[1])

    def fft(self, x, kernel, embedding, bias):
        return self.product(x, torch.fft.rfft(kernel.transpose(0, 1), dim=self.dim).conj(), embedding, bias)

    def fft_with_spectrum(self):
        """The kernel's spectrum is made once, as it is in inference."""
        spectrum = torch.fft.rfft(self.kernel.transpose(0, 1), dim=self.dim).conj().resolve_conj()
        return lambda x, _, embedding, bias: self.product(x, spectrum, embedding, bias)

    def product(self, x, spectrum, embedding, bias):
        z = torch.fft.rfft(x + embedding, dim=self.dim)
        return torch.fft.irfft(z * spectrum, n=self.n, dim=self.dim) + bias[:, None, None]

    def local(self, x, kernel, bias):
        return F.conv2d(x, kernel, bias, padding=kernel.shape[-1] // 2, groups=x.shape[1])

    def method(self, task, forward, training):
        operands = [self.x, self.kernel, self.embedding, self.bias] if task == CIRCULAR else [self.x, self.small, self.bias]
        if not training:
            run = torch.inference_mode()(lambda: (forward(*operands), None))
        else:
            operands = [t.detach().requires_grad_() for t in operands]

            def run():
                y = forward(*operands)
                return y, torch.autograd.grad(y, operands, self.v)

        return Method(task, run, lambda result: self.arrays(task, *result))

    def arrays(self, task, y, gradients):
        last = lambda t: numpy.moveaxis(t.detach().numpy(), 1, 3)
        if gradients is None:
            return named(task, last(y), None)
        if task == LOCAL:
            x, kernel, bias = gradients
            return named(task, last(y), [last(x), numpy.moveaxis(kernel.numpy()[:, 0], 0, 2), bias.numpy()])
        x, kernel, embedding, bias = gradients
        flat = lambda t: t.numpy().reshape(-1, self.n).T
        return named(task, last(y), [last(x), flat(kernel), flat(embedding), bias.numpy()])
