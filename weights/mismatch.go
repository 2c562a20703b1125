package weights

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MismatchError is what Load returns where the tensors of a file do not fit the model.
type MismatchError struct {
	// File is the name of the file, Model that of the model.
	File, Model string
	// Hint says what the file seems to hold instead; empty where nothing is known.
	Hint string
	// Mismatches are all there are, those of a kind together.
	Mismatches []Mismatch
}

// Mismatch is a tensor that does not fit.
type Mismatch struct {
	Kind MismatchKind
	// Detail names the tensor, and says what was found and expected.
	Detail string
}

func (m Mismatch) String() string {
	return m.Kind.String() + ": " + m.Detail
}

// MismatchKind is the way in which a tensor does not fit.
type MismatchKind int

const (
	Missing    MismatchKind = iota // the model needs it, the file has none
	Misshapen                      // it has another shape
	Mistyped                       // it has another type
	Unexpected                     // the model has none of this name
	Ambiguous                      // it is there under two names
)

// mismatchKinds lists what the kinds are called, of one tensor and in a count of them.
var mismatchKinds = [...]struct{ one, counted string }{
	Missing:    {"missing", "missing"},
	Misshapen:  {"misshapen", "of another shape"},
	Mistyped:   {"mistyped", "of another type"},
	Unexpected: {"unexpected", "unexpected"},
	Ambiguous:  {"ambiguous", "there twice"},
}

func (k MismatchKind) String() string {
	return mismatchKinds[k].one
}

// Error gives the text with all mismatches.
func (e *MismatchError) Error() string {
	return e.Text(len(e.Mismatches))
}

// Text says on a line what the file is and how many tensors do not fit; then, each on a line of its own, which ones: at
// most so many of each kind, and how many more there are. A single one is on the first line.
func (e *MismatchError) Text(most int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "weights: %s does not hold the weights of %s%s: ", e.File, e.Model, e.Hint)
	if len(e.Mismatches) == 1 {
		return text.String() + e.Mismatches[0].String()
	}
	text.WriteString(e.counts())
	for kind := range mismatchKinds {
		listed := 0
		for _, mismatch := range e.Mismatches {
			if mismatch.Kind != MismatchKind(kind) {
				continue
			}
			if listed < most {
				text.WriteString("\n" + mismatch.String())
			}
			listed++
		}
		if listed > most {
			fmt.Fprintf(&text, "\n%s: … and %d more", MismatchKind(kind), listed-most)
		}
	}
	return text.String()
}

// counts says how many tensors of each kind there are, such as "17 tensors missing, 4 of another shape".
func (e *MismatchError) counts() string {
	var parts []string
	for kind, name := range mismatchKinds {
		count := 0
		for _, mismatch := range e.Mismatches {
			if mismatch.Kind == MismatchKind(kind) {
				count++
			}
		}
		switch {
		case count == 1 && len(parts) == 0:
			parts = append(parts, "1 tensor "+name.counted)
		case count > 0 && len(parts) == 0:
			parts = append(parts, fmt.Sprintf("%d tensors %s", count, name.counted))
		case count > 0:
			parts = append(parts, fmt.Sprintf("%d %s", count, name.counted))
		}
	}
	return strings.Join(parts, ", ")
}

// newMismatchError returns the error of these mismatches, which it puts in the order of their kinds.
func newMismatchError(file, model, hint string, mismatches []Mismatch) error {
	slices.SortStableFunc(mismatches, func(a, b Mismatch) int { return cmp.Compare(a.Kind, b.Kind) })
	return &MismatchError{File: file, Model: model, Hint: hint, Mismatches: mismatches}
}
