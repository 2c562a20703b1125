"""JAX, on XLA for processors: both forms of the operator, in both layouts."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"
threads = int(os.environ["OMP_NUM_THREADS"])
if hasattr(os, "sched_setaffinity") and threads < len(os.sched_getaffinity(0)):
    # It takes as many threads as it has processors, and there is no other way to tell it.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])

import jax
import jax.numpy as jnp
import numpy

from method import CIRCULAR, Method, named

version = jax.__version__

# XLA takes grouped convolutions channel by channel on processors, a hundred times as long as others take: larger ones
# would take seconds a call and are left out.
MOST_PRODUCTS = 1 << 24


def circular(tensors, axis, training, _):
    methods = {}
    for layout in ("NHWC", "NCHW"):
        work = Work(tensors, axis, layout)
        methods[f"fft, {layout}"] = work.method(work.fft if training else work.fft_with_spectrum(), training)
        if tensors["x"].size * work.n <= MOST_PRODUCTS:
            methods[f"spatial, {layout}"] = work.method(work.spatial, training)
    return methods


class Work:
    """The operands in one layout, and what is computed from them."""

    def __init__(self, tensors, axis, layout):
        self.layout = layout
        self.n, self.channels = tensors["kernel"].shape
        self.dim = layout.index("H" if axis == "height" else "W")
        self.operands = [jnp.asarray(self.ordered(tensors["x"]))]
        self.operands += [jnp.asarray(tensors[name]) for name in ("kernel", "embedding", "bias")]
        self.v = jnp.asarray(self.ordered(tensors["v"]))

    def ordered(self, x):
        return x if self.layout == "NHWC" else numpy.moveaxis(x, 3, 1)

    def along(self, t):
        """Lays [N, C] out to be broadcast over the images."""
        shape = [1, 1, 1, 1]
        shape[self.dim], shape[self.layout.index("C")] = t.shape
        return (t if self.layout == "NHWC" else t.T).reshape(shape)

    def biased(self, y, bias):
        return y + (bias if self.layout == "NHWC" else bias[:, None, None])

    def fft(self, x, kernel, embedding, bias):
        return self.product(x, self.spectrum(kernel), embedding, bias)

    def spectrum(self, kernel):
        return self.along(jnp.conj(jnp.fft.rfft(kernel, axis=0)))

    def fft_with_spectrum(self):
        """The kernel's spectrum is made once, as it is in inference."""
        spectrum = self.spectrum(self.operands[1])
        return lambda x, _, embedding, bias: self.product(x, spectrum, embedding, bias)

    def product(self, x, spectrum, embedding, bias):
        z = jnp.fft.rfft(x + self.along(embedding), axis=self.dim)
        return self.biased(jnp.fft.irfft(z * spectrum, n=self.n, axis=self.dim), bias)

    def spatial(self, x, kernel, embedding, bias):
        z = x + self.along(embedding)
        z = jnp.concatenate([z, jax.lax.slice_in_dim(z, 0, self.n - 1, axis=self.dim)], self.dim)
        window = [1, 1]
        window[self.dim - self.layout.index("H")] = self.n
        y = jax.lax.conv_general_dilated(
            z,
            kernel.reshape(*window, 1, self.channels),
            (1, 1),
            "VALID",
            dimension_numbers=(self.layout, "HWIO", self.layout),
            feature_group_count=self.channels,
        )
        return self.biased(y, bias)

    def method(self, forward, training):
        if training:

            def step(operands, v):
                y, backward = jax.vjp(forward, *operands)
                return y, backward(v)

            compiled = jax.jit(step).lower(self.operands, self.v).compile()
            run = lambda: jax.block_until_ready(compiled(self.operands, self.v))
        else:
            constants = self.operands[1:]
            compiled = jax.jit(lambda x: forward(x, *constants)).lower(self.operands[0]).compile()
            run = lambda: (jax.block_until_ready(compiled(self.operands[0])), None)
        return Method(CIRCULAR, run, lambda result: self.arrays(*result))

    def arrays(self, y, gradients):
        last = lambda t: numpy.asarray(t) if self.layout == "NHWC" else numpy.moveaxis(numpy.asarray(t), 1, 3)
        if gradients is None:
            return named(CIRCULAR, last(y), None)
        x, *others = gradients
        return named(CIRCULAR, last(y), [last(x), *map(numpy.asarray, others)])
