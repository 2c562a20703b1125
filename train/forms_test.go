package train

import (
	"context"
	"math"
	"testing"

	_ "github.com/fastparc/fastparc/backend/simd"
	"github.com/fastparc/fastparc/internal/backends"
	"github.com/fastparc/fastparc/models"
	"github.com/fastparc/fastparc/parc"
)

func TestTrainingInEitherFormGivesTheSameLosses(t *testing.T) {
	const steps, tolerance = 20, 1e-4
	losses := func(form parc.Form) []float64 {
		training := newTraining(t, t.TempDir(), func(r *Recipe) { r.Epochs = 4 })
		options := training.Model.Options()
		options.Form = form
		m, err := models.New(training.Model.Name(), options)
		if err != nil {
			t.Fatal(err)
		}
		if training.Backend, err = backends.Open("simd"); err != nil {
			t.Fatal(err)
		}
		defer training.Backend.Finalize()
		training.Model = m
		var found []float64
		training.OnStep = func(_ int, loss float64) { found = append(found, loss) }
		if _, err := training.Fit(context.Background()); err != nil {
			t.Fatal(err)
		}
		return found
	}
	spatial, frequencies := losses(parc.Spatial), losses(parc.FFT)
	if len(spatial) != steps || len(frequencies) != steps {
		t.Fatalf("%d and %d steps, want %d", len(spatial), len(frequencies), steps)
	}
	if spatial[0] == spatial[steps-1] {
		t.Errorf("the loss stays at %g", spatial[0])
	}
	for i, want := range spatial {
		if difference := math.Abs(frequencies[i]-want) / want; !(difference <= tolerance) {
			t.Errorf("step %d: losses %g and %g differ by %.1e, want at most %g", i+1, want, frequencies[i], difference, tolerance)
		}
	}
}
