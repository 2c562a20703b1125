package simd

import "github.com/gomlx/compute"

// optimize rewrites the graph; see the pass_*.go files, one rewrite each.
func optimize(b *Backend, g *graph) {
	g.removeDead()
	for _, r := range []rule{
		eraseIdentity,
		foldConstants(b),
		eraseNeutral,
		shareCommon(),
		mergeTransposes,
		recognizeCircular,
		recognizeCircularDense,
		recognizeGlobal,
		eraseBarrier,
		mergeTransposes,
		joinPads,
		foldCircularTerms,
		foldGlobalTerms,
		expandBroadcasts,
		joinHalves,
		lowerCirculars,
	} {
		g.rewrite(r)
	}
	joinGradients(g)
	for _, r := range []rule{
		lowerGlobals,
		reduceBeforeSlice,
		lowerConvolutions,
		lowerProducts,
		splitTransforms,
		gatherCircularDense,
		fuseEpilogue,
	} {
		g.rewrite(r)
	}
	fuseElementwise(g)
}

// eraseIdentity drops identities, slices of the whole and barriers, but those that may mark how the operator is computed.
func eraseIdentity(_ *rewriter, n *node) []*value {
	if a, ok := n.attributes.(sliceOf); ok && isWhole(a, n.inputs[0].shape.Dimensions, -1) {
		return n.inputs
	}
	if n.op != compute.OpTypeIdentity || isBarrier(n) && marksAlgorithm(n) {
		return nil
	}
	return n.inputs
}

// marksAlgorithm says whether a barrier stands where it says how a circular convolution is computed: behind a
// concatenation, however it was cut, or a transform.
func marksAlgorithm(n *node) bool {
	switch n.inputs[0].node.op {
	case compute.OpTypeConcatenate, compute.OpTypeSlice, compute.OpTypeFFT:
		return true
	}
	return false
}

// eraseBarrier drops the barriers that are left.
func eraseBarrier(_ *rewriter, n *node) []*value {
	if n.op != compute.OpTypeIdentity {
		return nil
	}
	return n.inputs
}
