package parc_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/fastparc/fastparc/internal/testdata"
	"github.com/fastparc/fastparc/parc"
)

// goldenCase is the setting of one case of the reference implementation, in PyTorch.
type goldenCase struct {
	B, C, H, W, K, Co int
	Axis, Mode        string
	Dense, Pe, Bias   bool
}

func TestConvolveEqualsTheReference(t *testing.T) {
	cases, values := goldenFile(t)
	if len(cases) != 24 {
		t.Fatalf("%d cases, want 24", len(cases))
	}
	everywhere(t, func(t *testing.T, backend compute.Backend, form parc.Form) {
		for name, setting := range cases {
			p, want := setting.problem(t, func(tensor string) []float64 { return values[name+"."+tensor] })
			p.options.Form = form
			compare(t, p, evaluate(t, backend, dtypes.Float32, p), want, want, 2e-5)
		}
	})
}

// The definition that the random tests compare with is the reference's own.
func TestDefinitionEqualsTheReference(t *testing.T) {
	cases, values := goldenFile(t)
	for name, setting := range cases {
		p, want := setting.problem(t, func(tensor string) []float64 { return values[name+"."+tensor] })
		compare(t, p, p.solve(), want, want, 2e-5)
	}
}

// problem returns a case, brought from channels-first to channels-last, and the reference's solution.
func (s goldenCase) problem(t *testing.T, tensor func(name string) []float64) (*problem, solution) {
	image := func(name string, channels int) []float64 {
		return channelsLast(t, tensor(name), s.B, channels, s.H*s.W)
	}
	kernel := func(name string) []float64 {
		if !s.Dense {
			return channelsLast(t, tensor(name), 1, s.C, s.K)
		}
		// [Co, Ci, K] becomes [Ci·K, Co], then [K, Ci, Co].
		outputsLast := channelsLast(t, tensor(name), 1, s.Co, s.C*s.K)
		positions := make([]float64, 0, len(outputsLast))
		for k := range s.K {
			for c := range s.C {
				positions = append(positions, outputsLast[(c*s.K+k)*s.Co:][:s.Co]...)
			}
		}
		return positions
	}
	p := &problem{b: s.B, h: s.H, w: s.W, c: s.C, k: s.K, outputs: s.Co, dense: s.Dense,
		x: image("x", s.C), g: image("g", s.Co), kernel: kernel("w")}
	want := solution{y: image("y", s.Co), dx: image("dx", s.C), dkernel: kernel("dw")}
	if s.Axis == "W" {
		p.options.Axis = parc.Width
	}
	if s.Mode == "bicubic" {
		p.options.Fit = parc.Cubic
	}
	if s.Pe {
		p.pe, want.dpe = channelsLast(t, tensor("pe"), 1, s.C, s.K), channelsLast(t, tensor("dpe"), 1, s.C, s.K)
	}
	if s.Bias {
		p.bias, want.dbias = tensor("b"), tensor("db")
	}
	return p, want
}

// channelsLast transposes [batch, channels, size] to [batch, size, channels].
func channelsLast(t *testing.T, values []float64, batch, channels, size int) []float64 {
	t.Helper()
	if len(values) != batch*channels*size {
		t.Fatalf("%d values, want %d·%d·%d", len(values), batch, channels, size)
	}
	last := make([]float64, 0, len(values))
	for image := range slices.Chunk(values, channels*size) {
		for i := range size {
			for c := range channels {
				last = append(last, image[c*size+i])
			}
		}
	}
	return last
}

// goldenFile reads the reference's cases and tensors from the safetensors file that holds them.
func goldenFile(t *testing.T) (map[string]goldenCase, map[string][]float64) {
	t.Helper()
	data, err := os.ReadFile(testdata.Shared(t, "golden", "parc_op.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	length := binary.LittleEndian.Uint64(data)
	header, data := data[8:8+length], data[8+length:]
	var tensors map[string]json.RawMessage
	unmarshal(t, header, &tensors)
	var settings map[string]string
	unmarshal(t, tensors["__metadata__"], &settings)
	delete(tensors, "__metadata__")
	cases := make(map[string]goldenCase)
	for name, setting := range settings {
		var c goldenCase
		unmarshal(t, []byte(setting), &c)
		cases[name] = c
	}
	values := make(map[string][]float64)
	for name, entry := range tensors {
		var place struct {
			Offsets [2]int `json:"data_offsets"`
		}
		unmarshal(t, entry, &place)
		for bits := range slices.Chunk(data[place.Offsets[0]:place.Offsets[1]], 4) {
			values[name] = append(values[name], float64(math.Float32frombits(binary.LittleEndian.Uint32(bits))))
		}
	}
	return cases, values
}

func unmarshal(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in %.100q", err, text)
	}
}
