//go:build !amd64 || noasm

package kernel

// applyVector reports that there is no assembly routine.
func applyVector(op Op, dst []float32, x, y, z operand) bool { return false }

// BoolsToFloats sets dst[i] to x[i], a byte that is 0 or 1.
func BoolsToFloats(dst []float32, x []byte) { boolsToFloatsGeneric(dst, x) }

// FloatsToBools sets dst[i] to 1 where x[i] is not 0, else to 0.
func FloatsToBools(dst []byte, x []float32) { floatsToBoolsGeneric(dst, x) }
