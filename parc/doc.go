/*
Package parc is position-aware circular convolution (ParC) for GoMLX models: a convolution whose kernel is as long as the
feature map, so that every output sees a whole column or row, at the price of a small local one.

# The operator

On x of shape [B, H, W, C], along H, with N = H:

	z          = x + pe'                                       position embedding, the same for every column
	y[b,i,j,c] = bias[c] + Σ_k w'[k,c] · z[b,(i+k) mod N,j,c]    k = 0 … N-1

Along W the roles of H and W are swapped and N = W. A dense kernel sums over the input channels too:

	y[b,i,j,o] = bias[o] + Σ_k Σ_c w'[k,c,o] · z[b,(i+k) mod N,j,c]

What is learned are the meta kernel w of shape [K, C] (dense: [K, Cin, Cout]) and the position embedding pe of shape
[K, C]. Both are fitted to the length N of the axis they meet, w' = f(w, N) and pe' = f(pe, N), by interpolation with
aligned corners ([Linear], [Cubic]) or by keeping the first N ([Crop]); where K = N they are used as they are. So a
network works on any image size. The circular convolution alone does not know where it is; the embedding tells it.

# In a model

	h := parc.New(scope.In("gcc_H"), x).Axis(parc.Height).KernelSize(14).Done()

creates the variables "weight", "pe" and "bias" in the scope and returns a node of x's shape. [Builder] has the options.
Models with names of their own for the three give them by [Builder.Names]. [Convolve] is the same operator on nodes.

In a ParC block of a ConvNet one half of the channels goes along H, the other along W, and the two are concatenated: two
such blocks in a row see the whole image.

# Forms

The same values and gradients, to rounding, are computed in one of three forms. They share their parameters: a model
trained in one form can be served in another.

  - [Spatial]: z is concatenated with its own first N-1 rows and convolved without padding. N multiply-adds an element;
    the engine "simd" makes them without the copy.
  - [FFT] (Fast-ParC): irfft(rfft(z) · conj(rfft(w'))) along the axis, for any N. In the order of log N multiply-adds an
    element where the backend has a Fourier transform; elsewhere by products with the matrices of the discrete Fourier
    transform, about 2N.
  - [Auto]: on the engine "simd" the faster of the two for the shape, chosen by a table and never by measuring; on other
    backends, whose depth-wise convolutions are slow with long kernels, the FFT form.

The engine recognises the operator in either form, here or in any other graph, and then chooses freely. A form that is
asked for is computed as it is written, forward and backward: an optimization barrier behind the concatenation, or behind
the Fourier transforms, tells the engine so.

# Gradients

Every form carries gradients of its own, in the same form, of any order, by

	∂L/∂z [b,i,j,c] = Σ_k w'[(-k) mod N, c] · v[b,(i+k) mod N,j,c]
	∂L/∂w'[k,c]     = Σ_b,i,j v[b,i,j,c] · z[b,(i+k) mod N,j,c]

with v = ∂L/∂y: the operator itself on the kernel reversed around index 0, and a circular correlation. Embedding and bias
need no second look at the large tensors: with s[i,c] = Σ_b,j v[b,i,j,c]

	∂L/∂pe'[i,c]    = Σ_k w'[(-k) mod N, c] · s[(i+k) mod N, c]
	∂L/∂bias[c]     = Σ_i s[i,c]

and what the embedding adds to ∂L/∂w' is the correlation of s and pe'. GoMLX's own gradient of a depth-wise convolution
would be one small convolution a channel.

# Errors

As GoMLX's layers do, the functions here panic with an error where the arguments do not fit; the message names the
argument, its value and what was expected. GoMLX's executors catch the panic and return the error.

# Sources

Fast-ParC: Position-Aware Global Kernel for ConvNets and ViTs (the operator, its FFT form and the ConvNets);
ParC-Net: Position Aware Circular Convolution with Merits from ConvNets and Transformer, ECCV 2022 (where it began).
*/
package parc
