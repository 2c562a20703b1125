package simd

import "github.com/gomlx/compute"

// optimize rewrites the graph; see the pass_*.go files, one rewrite each.
func optimize(b *Backend, g *graph) {
	g.removeDead()
	for _, r := range []rule{
		eraseIdentity,
		foldConstants(b),
		shareCommon(),
		expandBroadcasts,
		recognizeCircular,
		lowerConvolutions,
		lowerProducts,
		splitTransforms,
		fuseEpilogue,
	} {
		g.rewrite(r)
	}
	fuseElementwise(g)
}

// eraseIdentity drops identities and barriers.
func eraseIdentity(_ *rewriter, n *node) []*value {
	if n.op != compute.OpTypeIdentity {
		return nil
	}
	return n.inputs
}
