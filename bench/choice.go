package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fastparc/fastparc/parc"
)

// ourResults are what this project's forms of the operator computed, by form.
type ourResults map[string]results

// chosen returns the form that the engine chose, or both where it computes some of its results in one and some in the other.
// It is known by its bits: the engine computes the same ones each time, and other ones in another form. The answer is empty
// where that does not tell them apart.
func (o ourResults) chosen() string {
	var forms []string
	auto := o[parc.Auto.String()]
	for name, values := range auto {
		var alike []string
		for _, form := range []string{parc.Spatial.String(), parc.FFT.String()} {
			if slices.Equal(values, o[form][name]) {
				alike = append(alike, form)
			}
		}
		if len(alike) == 1 && !slices.Contains(forms, alike[0]) {
			forms = append(forms, alike[0])
		}
	}
	slices.Sort(forms)
	return strings.Join(forms, " and ")
}

// choiceNote says that the engine's choice took longer than the better form, where it did by more than mostChoiceLoss. The same
// form cannot: how far it is from itself is how far times scatter.
func (r *Result) choiceNote() string {
	loss := r.choiceLoss()
	if !(loss > mostChoiceLoss) {
		return ""
	}
	better := r.faster().String()
	if r.Chosen == better {
		return fmt.Sprintf("the engine's choice is the better form, %s, and took %.0f %% longer than where it was asked for: so far do times scatter: %s", better, 100*loss, r.Work)
	}
	chosen := ""
	if r.Chosen != "" {
		chosen = r.Chosen + ", "
	}
	return fmt.Sprintf("the engine's choice, %stakes %.0f %% longer than the better form, %s: %s", chosen, 100*loss, better, r.Work)
}
