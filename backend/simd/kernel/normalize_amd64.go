//go:build !noasm

package kernel

// This file sends normalisations and softmax to their assembly routines.

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

func layerNorm(dst, x, gamma, beta, mean, invStd []float32, epsilon float32) {
	n := len(gamma)
	switch scale := 1 / float32(n); level {
	case AVX512:
		asm.LayerNormAVX512(&dst[0], &x[0], &gamma[0], &beta[0], &mean[0], &invStd[0], len(mean), n, scale, epsilon)
	case AVX2:
		asm.LayerNormAVX2(&dst[0], &x[0], &gamma[0], &beta[0], &mean[0], &invStd[0], len(mean), n, scale, epsilon)
	default:
		layerNormGeneric(dst, x, gamma, beta, mean, invStd, epsilon)
	}
}

func layerNormGradient(dx, dGamma, dBeta, dy, x, gamma, mean, invStd []float32) {
	n := len(gamma)
	switch scale := 1 / float32(n); level {
	case AVX512:
		asm.LayerNormGradientAVX512(&dx[0], &dGamma[0], &dBeta[0], &dy[0], &x[0], &gamma[0], &mean[0], &invStd[0], len(mean), n, scale)
	case AVX2:
		asm.LayerNormGradientAVX2(&dx[0], &dGamma[0], &dBeta[0], &dy[0], &x[0], &gamma[0], &mean[0], &invStd[0], len(mean), n, scale)
	default:
		layerNormGradientGeneric(dx, dGamma, dBeta, dy, x, gamma, mean, invStd)
	}
}

func softmax(dst, x []float32, rows int, logarithm bool) {
	n := len(x) / rows
	switch {
	case level == AVX512 && logarithm:
		asm.LogSoftmaxAVX512(&dst[0], &x[0], rows, n)
	case level == AVX512:
		asm.SoftmaxAVX512(&dst[0], &x[0], rows, n)
	case level == AVX2 && logarithm:
		asm.LogSoftmaxAVX2(&dst[0], &x[0], rows, n)
	case level == AVX2:
		asm.SoftmaxAVX2(&dst[0], &x[0], rows, n)
	default:
		softmaxGeneric(dst, x, rows, logarithm)
	}
}

func squaredDeviations(dst, x, mean []float32, rows int) {
	switch level {
	case AVX512:
		asm.SquaredDeviationsAVX512(&dst[0], &x[0], &mean[0], rows, len(mean))
	case AVX2:
		asm.SquaredDeviationsAVX2(&dst[0], &x[0], &mean[0], rows, len(mean))
	default:
		squaredDeviationsGeneric(dst, x, mean, rows)
	}
}
