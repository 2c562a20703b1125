package models

// Blocks whose convolution can be local or circular.

import (
	"fmt"
	"slices"
	"strings"
)

// Block is a part of a network whose convolution can be circular in place of local: one that keeps the resolution.
type Block struct {
	// Name is what the names of its arrays in PyTorch's state_dict begin with, such as layer3.4, stages.2.8 or features.13.
	Name string
	// Circular says that the convolution is circular.
	Circular bool
	// Local and Global are what the names of the convolution's arrays begin with: Local where it is local, Global followed
	// by _H and _W where it is circular.
	Local, Global string
	// Renamed lists what the names of other arrays begin with, first where the convolution is local, then where it is
	// circular.
	Renamed [][2]string
}

// Blocks returns the blocks whose convolution can be local or circular, in order.
func (m *Model) Blocks() []Block {
	return slices.Clone(m.network.blocks)
}

// placement decides which blocks of a network are circular.
type placement struct {
	chosen []string
	blocks []Block
}

// place says whether a block is circular: as chosen, or where nothing is, as the model's own are.
func (p *placement) place(block Block, own bool) bool {
	block.Circular = own
	if len(p.chosen) > 0 {
		block.Circular = slices.Contains(p.chosen, block.Name)
	}
	p.blocks = append(p.blocks, block)
	return block.Circular
}

// checkBlocks says which of the names are not those of blocks.
func checkBlocks(names []string, blocks []Block) error {
	var possible []string
	for _, block := range blocks {
		possible = append(possible, block.Name)
	}
	unknown := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(possible, name) })
	switch {
	case len(unknown) == 0:
		return nil
	case len(possible) == 0:
		return fmt.Errorf("blocks %s: the family has no blocks to choose", strings.Join(unknown, ", "))
	}
	return fmt.Errorf("blocks %s: circular convolutions can be in %s", strings.Join(unknown, ", "), strings.Join(possible, ", "))
}

// circularSizes returns the lengths of kernels and embeddings along height and width for maps of this stride.
func (o Options) circularSizes(stride int) [2]int {
	return [2]int{o.KernelImageSize[0] / stride, o.KernelImageSize[1] / stride}
}
