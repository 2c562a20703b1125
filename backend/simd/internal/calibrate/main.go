// Command calibrate measures how long circular convolutions take on this processor, directly and through the
// frequencies, and writes the table that the engine chooses by. Nothing else should run meanwhile. From the root of the
// repository:
//
//	go run ./backend/simd/internal/calibrate
//	FASTPARC_SIMD=avx2 go run ./backend/simd/internal/calibrate
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/cpuid/v2"

	"github.com/fastparc/fastparc/backend/simd/internal/costs"
	"github.com/fastparc/fastparc/backend/simd/kernel"
	"github.com/fastparc/fastparc/internal/atomicfile"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("calibrate: ")
	out := flag.String("out", filepath.Join("backend", "simd", "internal", "costs"), "directory of the tables")
	passes := flag.Int("passes", 5, "how often to measure everything; the shortest times count")
	flag.Parse()
	table := costs.Table{Processor: strings.TrimSpace(cpuid.CPU.BrandName), Instructions: kernel.CurrentLevel().String(), Lengths: lengths()}
	for _, n := range table.Lengths {
		c := kernel.Circular{Batch: 1, H: n, W: 1, C: 1, InStride: 1, OutStride: 1}
		table.Transforms = append(table.Transforms, kernel.CircularFFT{Circular: c}.TransformLength())
	}
	table.Streamed = measureStreamed()
	log.Printf("written past the caches from so many bytes on: %+v", table.Streamed)
	for pass := range *passes {
		measureAll(&table, pass)
		log.Printf("pass %d of %d", pass+1, *passes)
	}
	file := filepath.Join(*out, costs.FileName(costs.Family(), kernel.CurrentLevel()))
	if err := atomicfile.Write(file, func(w io.Writer) error { return write(w, table) }); err != nil {
		log.Fatal(err)
	}
}

// measureAll measures every curve of the table, and keeps the shorter times of this pass and those before.
func measureAll(table *costs.Table, pass int) {
	at := 0
	for _, part := range []costs.Part{costs.Forward, costs.KernelGradient, costs.Gradients, costs.Packing} {
		for _, axis := range []kernel.Axis{kernel.Height, kernel.Width} {
			for _, channels := range []int{1, 3, 6, 8, 12, 16} {
				if pass == 0 {
					unmeasured := slices.Repeat([]int{math.MaxInt}, len(table.Lengths))
					table.Curves = append(table.Curves, costs.Curve{
						Part: part, Axis: costs.AxisName(axis), Channels: channels, Direct: unmeasured, Frequencies: slices.Clone(unmeasured),
					})
				}
				curve := table.Curves[at]
				for i, n := range table.Lengths {
					direct, frequencies := measure(part, shape(axis, n, channels))
					curve.Direct[i] = min(curve.Direct[i], direct)
					curve.Frequencies[i] = min(curve.Frequencies[i], frequencies)
				}
				at++
			}
		}
	}
}

// lengths returns the lengths to measure: all where either form may be the faster, then ever fewer, without large
// prime factors.
func lengths() (all []int) {
	for n := 1; n <= 96; n++ {
		all = append(all, n)
	}
	for n := 128; n <= 4096; n *= 2 {
		all = append(all, n/8*7, n, n/4*5)
	}
	return all[:len(all)-1]
}

// shape returns feature maps of a usual number of elements: squares, with fewer channels the larger they are.
func shape(axis kernel.Axis, n, channels int) kernel.Circular {
	const elements = 56 * 56 * 48
	other := n
	if channels == 16 {
		channels = 16 * max(1, elements/56/n/16)
	}
	if n*n*channels > 2*elements {
		other = max(2, elements/n/channels)
	}
	c := kernel.Circular{
		Batch: max(1, elements/(n*other*channels)), H: n, W: other, C: channels, Axis: axis, InStride: channels, OutStride: channels,
	}
	if axis == kernel.Width {
		c.H, c.W = c.W, c.H
	}
	return c
}

// write writes the table with a curve on a line.
func write(w io.Writer, table costs.Table) error {
	curves := table.Curves
	table.Curves = nil
	head, err := json.Marshal(table)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s[\n", strings.TrimSuffix(string(head), "null}"))
	for i, curve := range curves {
		line, err := json.Marshal(curve)
		if err != nil {
			return err
		}
		comma := ","
		if i == len(curves)-1 {
			comma = ""
		}
		fmt.Fprintf(w, "%s%s\n", line, comma)
	}
	_, err = fmt.Fprintln(w, "]}")
	return err
}
