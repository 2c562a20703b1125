package costs

import (
	"embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/klauspost/cpuid/v2"

	"github.com/fastparc/fastparc/backend/simd/kernel"
)

//go:embed *.json
var files embed.FS

// defaultFamily is whose tables stand in for processors that nobody has measured.
const defaultFamily = "amd-zen4"

// Current returns the table for this processor and the instruction set in use: that of its family, or of the default
// one. Pure Go has the same algorithms as AVX2 and goes by its table, as what counts is which of two takes longer.
var Current = sync.OnceValue(func() *Table {
	level := max(kernel.CurrentLevel(), kernel.AVX2)
	for _, name := range []string{FileName(Family(), level), FileName(defaultFamily, level)} {
		if data, err := files.ReadFile(name); err == nil {
			table := &Table{}
			if err := json.Unmarshal(data, table); err != nil {
				panic(fmt.Errorf("costs: %s: %w", name, err))
			}
			return table
		}
	}
	panic(fmt.Errorf("costs: no table for the %s kernels", level))
})

// FileName returns the name of the table of a family of processors with an instruction set.
func FileName(family string, level kernel.Level) string {
	return fmt.Sprintf("%s-%s.json", family, level)
}

// Family names the kind of processor that the program runs on: those of one kind take about the same time.
func Family() string {
	cpu := cpuid.CPU
	switch {
	case cpu.VendorID == cpuid.AMD && isZen4(cpu.Family, cpu.Model):
		return "amd-zen4"
	case cpu.VendorID == cpuid.AMD && cpu.Family == 25: // which the third and the fourth generation of Zen share
		return "amd-zen3"
	case cpu.VendorID == cpuid.VendorUnknown:
		return "unknown"
	default:
		return fmt.Sprintf("%s-%d-%d", cpu.VendorID, cpu.Family, cpu.Model)
	}
}

// isZen4 knows AMD's models of the fourth generation of Zen.
func isZen4(family, model int) bool {
	return family == 25 && (model >= 0x10 && model <= 0x1f || model >= 0x60 && model <= 0x7f || model >= 0xa0 && model <= 0xaf)
}
