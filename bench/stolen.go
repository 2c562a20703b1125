package bench

import (
	"fmt"
	"os"
)

// processorTime is what all processors have spent so far, in ticks of the system.
type processorTime struct{ used, stolen int64 }

// readProcessorTime returns what Linux says; elsewhere nothing is known, and both are 0.
func readProcessorTime() processorTime {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return processorTime{}
	}
	return parseProcessorTime(string(text))
}

// parseProcessorTime reads the first line of proc_stat(5): cpu user nice system idle iowait irq softirq steal.
func parseProcessorTime(text string) processorTime {
	var user, nice, system, idle, wait, interrupts, softInterrupts, stolen int64
	if _, err := fmt.Sscanf(text, "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &interrupts, &softInterrupts, &stolen); err != nil {
		return processorTime{}
	}
	return processorTime{user + nice + system + interrupts + softInterrupts, stolen}
}

// stolenSince returns the part of the time that was wanted since before and that a virtual machine's host gave to others.
func (t processorTime) stolenSince(before processorTime) float64 {
	stolen := t.stolen - before.stolen
	wanted := stolen + t.used - before.used
	if wanted <= 0 {
		return 0
	}
	return float64(stolen) / float64(wanted)
}
