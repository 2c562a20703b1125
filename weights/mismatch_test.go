package weights_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/ml/model"

	"github.com/fastparc/fastparc/internal/golden"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/weights"
)

func TestMismatchesAreCountedThenListedByKind(t *testing.T) {
	m := newModel(t, "convnext_scene", models.Options{})
	values := golden.Weights(m)
	missing, misshapen := values[0].Name, values[1].Name
	values[1] = weights.FromFloats(misshapen, []int{7}, make([]float32, 7))
	values = values[1:]
	const unexpected = 30
	for i := range unexpected {
		values = append(values, weights.FromFloats(fmt.Sprintf("neck.%d", i), []int{1}, []float32{0}))
	}
	err := weights.Load(m, model.NewStore(), saved(t, values))
	var mismatch *weights.MismatchError
	if !errors.As(err, &mismatch) {
		t.Fatalf("error %v, want a MismatchError", err)
	}
	if len(mismatch.Mismatches) != unexpected+2 || mismatch.Model != "convnext_scene" {
		t.Errorf("%d mismatches of %s, want %d of convnext_scene", len(mismatch.Mismatches), mismatch.Model, unexpected+2)
	}
	full, short := strings.Split(err.Error(), "\n"), strings.Split(mismatch.Text(20), "\n")
	if want := "1 tensor missing, 1 of another shape, 30 unexpected"; !strings.HasSuffix(full[0], want) || short[0] != full[0] {
		t.Errorf("the first lines are %q and %q, want both to end in %q", full[0], short[0], want)
	}
	if len(full) != 1+unexpected+2 || len(short) != 1+2+20+1 {
		t.Fatalf("%d lines and %d lines, want one for each mismatch, and at most 20 unexpected ones", len(full), len(short))
	}
	for i, want := range map[int]string{1: "missing: " + missing + ", ", 2: "misshapen: " + misshapen + ": found shape [7], ", 3: "unexpected: neck.0, "} {
		if !strings.HasPrefix(full[i], want) || short[i] != full[i] {
			t.Errorf("line %d is %q and %q, want %q", i, full[i], short[i], want)
		}
	}
	if last := short[len(short)-1]; last != "unexpected: … and 10 more" {
		t.Errorf("the last line is %q, want how many more there are", last)
	}
}
