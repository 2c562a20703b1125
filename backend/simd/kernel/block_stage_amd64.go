//go:build !noasm

package kernel

import "github.com/fastparc/fastparc/backend/simd/kernel/asm"

// assembly returns the routine for the level in use, nil where there is none.
func (c *blockCall) assembly() blockRoutine {
	var routines *blockRoutines
	switch level {
	case AVX512:
		routines = &blocks512[c.stage.radix]
	case AVX2:
		routines = &blocks256[c.stage.radix]
	default:
		return nil
	}
	if c.adds() {
		return routines.filterAdd
	}
	return routines.kinds[c.kind]
}

// blockRoutines are the routines of one radix, by kind, and that of a filter which adds.
type blockRoutines struct {
	kinds     [blockKinds]blockRoutine
	filterAdd blockRoutine
}

var blocks512 = [maxRadix + 1]blockRoutines{
	1: {
		[blockKinds]blockRoutine{nil, nil, asm.BlockFilter1AVX512, asm.BlockFilterKeep1AVX512, asm.BlockSpectrum1AVX512, asm.BlockAccumulate1AVX512, asm.BlockBack1AVX512},
		asm.BlockFilterAdd1AVX512,
	},
	2: {
		[blockKinds]blockRoutine{asm.BlockForward2AVX512, asm.BlockInverse2AVX512, asm.BlockFilter2AVX512, asm.BlockFilterKeep2AVX512, asm.BlockSpectrum2AVX512, asm.BlockAccumulate2AVX512, asm.BlockBack2AVX512},
		asm.BlockFilterAdd2AVX512,
	},
	3: {
		[blockKinds]blockRoutine{asm.BlockForward3AVX512, asm.BlockInverse3AVX512, asm.BlockFilter3AVX512, asm.BlockFilterKeep3AVX512, asm.BlockSpectrum3AVX512, asm.BlockAccumulate3AVX512, asm.BlockBack3AVX512},
		asm.BlockFilterAdd3AVX512,
	},
	4: {
		[blockKinds]blockRoutine{asm.BlockForward4AVX512, asm.BlockInverse4AVX512, asm.BlockFilter4AVX512, asm.BlockFilterKeep4AVX512, asm.BlockSpectrum4AVX512, asm.BlockAccumulate4AVX512, asm.BlockBack4AVX512},
		asm.BlockFilterAdd4AVX512,
	},
	5: {
		[blockKinds]blockRoutine{asm.BlockForward5AVX512, asm.BlockInverse5AVX512, asm.BlockFilter5AVX512, asm.BlockFilterKeep5AVX512, asm.BlockSpectrum5AVX512, asm.BlockAccumulate5AVX512, asm.BlockBack5AVX512},
		asm.BlockFilterAdd5AVX512,
	},
	7: {
		[blockKinds]blockRoutine{asm.BlockForward7AVX512, asm.BlockInverse7AVX512, asm.BlockFilter7AVX512, asm.BlockFilterKeep7AVX512, asm.BlockSpectrum7AVX512, asm.BlockAccumulate7AVX512, asm.BlockBack7AVX512},
		asm.BlockFilterAdd7AVX512,
	},
	8: {
		[blockKinds]blockRoutine{asm.BlockForward8AVX512, asm.BlockInverse8AVX512, asm.BlockFilter8AVX512, asm.BlockFilterKeep8AVX512, asm.BlockSpectrum8AVX512, asm.BlockAccumulate8AVX512, asm.BlockBack8AVX512},
		asm.BlockFilterAdd8AVX512,
	},
	9: {
		[blockKinds]blockRoutine{asm.BlockForward9AVX512, asm.BlockInverse9AVX512, asm.BlockFilter9AVX512, asm.BlockFilterKeep9AVX512, asm.BlockSpectrum9AVX512, asm.BlockAccumulate9AVX512, asm.BlockBack9AVX512},
		asm.BlockFilterAdd9AVX512,
	},
	11: {
		[blockKinds]blockRoutine{asm.BlockForward11AVX512, asm.BlockInverse11AVX512, asm.BlockFilter11AVX512, asm.BlockFilterKeep11AVX512, asm.BlockSpectrum11AVX512, asm.BlockAccumulate11AVX512, asm.BlockBack11AVX512},
		asm.BlockFilterAdd11AVX512,
	},
	13: {
		[blockKinds]blockRoutine{asm.BlockForward13AVX512, asm.BlockInverse13AVX512, asm.BlockFilter13AVX512, asm.BlockFilterKeep13AVX512, asm.BlockSpectrum13AVX512, asm.BlockAccumulate13AVX512, asm.BlockBack13AVX512},
		asm.BlockFilterAdd13AVX512,
	},
	16: {
		[blockKinds]blockRoutine{asm.BlockForward16AVX512, asm.BlockInverse16AVX512, asm.BlockFilter16AVX512, asm.BlockFilterKeep16AVX512, asm.BlockSpectrum16AVX512, asm.BlockAccumulate16AVX512, asm.BlockBack16AVX512},
		asm.BlockFilterAdd16AVX512,
	},
}

var blocks256 = [maxRadix + 1]blockRoutines{
	1: {
		[blockKinds]blockRoutine{nil, nil, asm.BlockFilter1AVX2, asm.BlockFilterKeep1AVX2, asm.BlockSpectrum1AVX2, asm.BlockAccumulate1AVX2, asm.BlockBack1AVX2},
		asm.BlockFilterAdd1AVX2,
	},
	2: {
		[blockKinds]blockRoutine{asm.BlockForward2AVX2, asm.BlockInverse2AVX2, asm.BlockFilter2AVX2, asm.BlockFilterKeep2AVX2, asm.BlockSpectrum2AVX2, asm.BlockAccumulate2AVX2, asm.BlockBack2AVX2},
		asm.BlockFilterAdd2AVX2,
	},
	3: {
		[blockKinds]blockRoutine{asm.BlockForward3AVX2, asm.BlockInverse3AVX2, asm.BlockFilter3AVX2, asm.BlockFilterKeep3AVX2, asm.BlockSpectrum3AVX2, asm.BlockAccumulate3AVX2, asm.BlockBack3AVX2},
		asm.BlockFilterAdd3AVX2,
	},
	4: {
		[blockKinds]blockRoutine{asm.BlockForward4AVX2, asm.BlockInverse4AVX2, asm.BlockFilter4AVX2, asm.BlockFilterKeep4AVX2, asm.BlockSpectrum4AVX2, asm.BlockAccumulate4AVX2, asm.BlockBack4AVX2},
		asm.BlockFilterAdd4AVX2,
	},
	5: {
		[blockKinds]blockRoutine{asm.BlockForward5AVX2, asm.BlockInverse5AVX2, asm.BlockFilter5AVX2, asm.BlockFilterKeep5AVX2, asm.BlockSpectrum5AVX2, asm.BlockAccumulate5AVX2, asm.BlockBack5AVX2},
		asm.BlockFilterAdd5AVX2,
	},
	7: {
		[blockKinds]blockRoutine{asm.BlockForward7AVX2, asm.BlockInverse7AVX2, asm.BlockFilter7AVX2, asm.BlockFilterKeep7AVX2, asm.BlockSpectrum7AVX2, asm.BlockAccumulate7AVX2, asm.BlockBack7AVX2},
		asm.BlockFilterAdd7AVX2,
	},
	8: {
		[blockKinds]blockRoutine{asm.BlockForward8AVX2, asm.BlockInverse8AVX2, asm.BlockFilter8AVX2, asm.BlockFilterKeep8AVX2, asm.BlockSpectrum8AVX2, asm.BlockAccumulate8AVX2, asm.BlockBack8AVX2},
		asm.BlockFilterAdd8AVX2,
	},
	9: {
		[blockKinds]blockRoutine{asm.BlockForward9AVX2, asm.BlockInverse9AVX2, asm.BlockFilter9AVX2, asm.BlockFilterKeep9AVX2, asm.BlockSpectrum9AVX2, asm.BlockAccumulate9AVX2, asm.BlockBack9AVX2},
		asm.BlockFilterAdd9AVX2,
	},
	11: {
		[blockKinds]blockRoutine{asm.BlockForward11AVX2, asm.BlockInverse11AVX2, asm.BlockFilter11AVX2, asm.BlockFilterKeep11AVX2, asm.BlockSpectrum11AVX2, asm.BlockAccumulate11AVX2, asm.BlockBack11AVX2},
		asm.BlockFilterAdd11AVX2,
	},
	13: {
		[blockKinds]blockRoutine{asm.BlockForward13AVX2, asm.BlockInverse13AVX2, asm.BlockFilter13AVX2, asm.BlockFilterKeep13AVX2, asm.BlockSpectrum13AVX2, asm.BlockAccumulate13AVX2, asm.BlockBack13AVX2},
		asm.BlockFilterAdd13AVX2,
	},
	16: {
		[blockKinds]blockRoutine{asm.BlockForward16AVX2, asm.BlockInverse16AVX2, asm.BlockFilter16AVX2, asm.BlockFilterKeep16AVX2, asm.BlockSpectrum16AVX2, asm.BlockAccumulate16AVX2, asm.BlockBack16AVX2},
		asm.BlockFilterAdd16AVX2,
	},
}
