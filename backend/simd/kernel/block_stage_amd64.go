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
	6: {
		[blockKinds]blockRoutine{asm.BlockForward6AVX512, asm.BlockInverse6AVX512, asm.BlockFilter6AVX512, asm.BlockFilterKeep6AVX512, asm.BlockSpectrum6AVX512, asm.BlockAccumulate6AVX512, asm.BlockBack6AVX512},
		asm.BlockFilterAdd6AVX512,
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
	10: {
		[blockKinds]blockRoutine{asm.BlockForward10AVX512, asm.BlockInverse10AVX512, asm.BlockFilter10AVX512, asm.BlockFilterKeep10AVX512, asm.BlockSpectrum10AVX512, asm.BlockAccumulate10AVX512, asm.BlockBack10AVX512},
		asm.BlockFilterAdd10AVX512,
	},
	11: {
		[blockKinds]blockRoutine{asm.BlockForward11AVX512, asm.BlockInverse11AVX512, asm.BlockFilter11AVX512, asm.BlockFilterKeep11AVX512, asm.BlockSpectrum11AVX512, asm.BlockAccumulate11AVX512, asm.BlockBack11AVX512},
		asm.BlockFilterAdd11AVX512,
	},
	12: {
		[blockKinds]blockRoutine{asm.BlockForward12AVX512, asm.BlockInverse12AVX512, asm.BlockFilter12AVX512, asm.BlockFilterKeep12AVX512, asm.BlockSpectrum12AVX512, asm.BlockAccumulate12AVX512, asm.BlockBack12AVX512},
		asm.BlockFilterAdd12AVX512,
	},
	13: {
		[blockKinds]blockRoutine{asm.BlockForward13AVX512, asm.BlockInverse13AVX512, asm.BlockFilter13AVX512, asm.BlockFilterKeep13AVX512, asm.BlockSpectrum13AVX512, asm.BlockAccumulate13AVX512, asm.BlockBack13AVX512},
		asm.BlockFilterAdd13AVX512,
	},
	14: {
		[blockKinds]blockRoutine{asm.BlockForward14AVX512, asm.BlockInverse14AVX512, asm.BlockFilter14AVX512, asm.BlockFilterKeep14AVX512, asm.BlockSpectrum14AVX512, asm.BlockAccumulate14AVX512, asm.BlockBack14AVX512},
		asm.BlockFilterAdd14AVX512,
	},
	15: {
		[blockKinds]blockRoutine{asm.BlockForward15AVX512, asm.BlockInverse15AVX512, asm.BlockFilter15AVX512, asm.BlockFilterKeep15AVX512, asm.BlockSpectrum15AVX512, asm.BlockAccumulate15AVX512, asm.BlockBack15AVX512},
		asm.BlockFilterAdd15AVX512,
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
	6: {
		[blockKinds]blockRoutine{asm.BlockForward6AVX2, asm.BlockInverse6AVX2, asm.BlockFilter6AVX2, asm.BlockFilterKeep6AVX2, asm.BlockSpectrum6AVX2, asm.BlockAccumulate6AVX2, asm.BlockBack6AVX2},
		asm.BlockFilterAdd6AVX2,
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
	10: {
		[blockKinds]blockRoutine{asm.BlockForward10AVX2, asm.BlockInverse10AVX2, asm.BlockFilter10AVX2, asm.BlockFilterKeep10AVX2, asm.BlockSpectrum10AVX2, asm.BlockAccumulate10AVX2, asm.BlockBack10AVX2},
		asm.BlockFilterAdd10AVX2,
	},
	11: {
		[blockKinds]blockRoutine{asm.BlockForward11AVX2, asm.BlockInverse11AVX2, asm.BlockFilter11AVX2, asm.BlockFilterKeep11AVX2, asm.BlockSpectrum11AVX2, asm.BlockAccumulate11AVX2, asm.BlockBack11AVX2},
		asm.BlockFilterAdd11AVX2,
	},
	12: {
		[blockKinds]blockRoutine{asm.BlockForward12AVX2, asm.BlockInverse12AVX2, asm.BlockFilter12AVX2, asm.BlockFilterKeep12AVX2, asm.BlockSpectrum12AVX2, asm.BlockAccumulate12AVX2, asm.BlockBack12AVX2},
		asm.BlockFilterAdd12AVX2,
	},
	13: {
		[blockKinds]blockRoutine{asm.BlockForward13AVX2, asm.BlockInverse13AVX2, asm.BlockFilter13AVX2, asm.BlockFilterKeep13AVX2, asm.BlockSpectrum13AVX2, asm.BlockAccumulate13AVX2, asm.BlockBack13AVX2},
		asm.BlockFilterAdd13AVX2,
	},
	14: {
		[blockKinds]blockRoutine{asm.BlockForward14AVX2, asm.BlockInverse14AVX2, asm.BlockFilter14AVX2, asm.BlockFilterKeep14AVX2, asm.BlockSpectrum14AVX2, asm.BlockAccumulate14AVX2, asm.BlockBack14AVX2},
		asm.BlockFilterAdd14AVX2,
	},
	15: {
		[blockKinds]blockRoutine{asm.BlockForward15AVX2, asm.BlockInverse15AVX2, asm.BlockFilter15AVX2, asm.BlockFilterKeep15AVX2, asm.BlockSpectrum15AVX2, asm.BlockAccumulate15AVX2, asm.BlockBack15AVX2},
		asm.BlockFilterAdd15AVX2,
	},
	16: {
		[blockKinds]blockRoutine{asm.BlockForward16AVX2, asm.BlockInverse16AVX2, asm.BlockFilter16AVX2, asm.BlockFilterKeep16AVX2, asm.BlockSpectrum16AVX2, asm.BlockAccumulate16AVX2, asm.BlockBack16AVX2},
		asm.BlockFilterAdd16AVX2,
	},
}
