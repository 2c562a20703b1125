//go:build !amd64 || noasm

package kernel

func layerNorm(dst, x, gamma, beta, mean, invStd []float32, epsilon float32) {
	layerNormGeneric(dst, x, gamma, beta, mean, invStd, epsilon)
}

func layerNormGradient(dx, dGamma, dBeta, dy, x, gamma, mean, invStd []float32) {
	layerNormGradientGeneric(dx, dGamma, dBeta, dy, x, gamma, mean, invStd)
}

func softmax(dst, x []float32, rows int, logarithm bool) { softmaxGeneric(dst, x, rows, logarithm) }

func squaredDeviations(dst, x, mean []float32, rows int) {
	squaredDeviationsGeneric(dst, x, mean, rows)
}
