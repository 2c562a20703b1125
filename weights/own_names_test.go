package weights

import (
	"testing"

	"github.com/fastparc/fastparc/models"
)

func TestOwnNamesStayAsTheyAre(t *testing.T) {
	for _, name := range models.Names() {
		m, err := models.New(name, models.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range m.State() {
			for _, own := range namesOf(entry) {
				if got := referenceName(name, own, func(string) bool { return false }); got != own {
					t.Errorf("%s: %s became %s", name, own, got)
				}
			}
		}
	}
}
