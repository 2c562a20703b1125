package data

import (
	"fmt"
	"math"
	"reflect"
	"testing"
)

func ExampleScenes() {
	scenes, _ := NewScenes(1000, 7)
	scene := scenes.Scene(2)
	fmt.Println(scenes.Classes()[scene.Class])
	for _, figure := range scene.Figures {
		fmt.Println(figure.Kind, figure.Large, figure.Box)
	}
	// Output:
	// different kinds, top left larger
	// triangle true (5,1)-(21,16)
	// triangle false (33,5)-(44,15)
	// cross true (6,28)-(20,43)
	// cross false (31,35)-(41,45)
}

// class reads a scene's class as the documentation defines it.
func class(first, second Figure) int {
	class := 0
	if first.Kind != second.Kind {
		class = 2
	}
	if second.Large {
		class++
	}
	return class
}

func TestScenesAreAsDocumented(t *testing.T) {
	const count = 4000
	scenes, err := NewScenes(count, 3)
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]int, 4)
	// How often each place holds a kind, by whether the kinds that matter are the same.
	seen := map[string][2]int{}
	for i := range count {
		scene := scenes.Scene(i)
		first, second := scene.Figures[topLeft], scene.Figures[bottomRight]
		if scene.Class != scenes.Label(i) || scene.Class != class(first, second) || first.Large == second.Large {
			t.Fatalf("scene %d of class %d holds %+v", i, scene.Class, scene.Figures)
		}
		if swapped := class(second, first); swapped == scene.Class {
			t.Fatalf("scene %d keeps its class when the figures are exchanged", i)
		}
		counts[scene.Class]++
		bag := map[Figure]int{}
		kinds := map[string]int{}
		for place, figure := range scene.Figures {
			if figure.Box.Empty() || figure.Box.Min.X/24 != place%2 || (figure.Box.Max.X-1)/24 != place%2 ||
				figure.Box.Min.Y/24 != place/2 || (figure.Box.Max.Y-1)/24 != place/2 {
				t.Fatalf("scene %d: figure %d lies at %v, outside its quarter", i, place, figure.Box)
			}
			key := fmt.Sprint(place, figure.Kind)
			cell := seen[key]
			cell[scene.Class/2]++
			seen[key] = cell
			bag[Figure{Kind: figure.Kind, Large: figure.Large}]++
			kinds[figure.Kind]++
		}
		if len(bag) != 4 || len(kinds) != 2 {
			t.Fatalf("scene %d does not hold two kinds in two sizes: %+v", i, scene.Figures)
		}
	}
	for class, got := range counts {
		if got != count/4 {
			t.Errorf("class %d has %d scenes, want %d", class, got, count/4)
		}
	}
	for key, cell := range seen {
		// 500 are expected of each; five standard deviations of their difference.
		if difference := math.Abs(float64(cell[0] - cell[1])); difference > 5*math.Sqrt(2*500*0.75) {
			t.Errorf("%s is found %d times in scenes of one kind, %d times in the others", key, cell[0], cell[1])
		}
	}
}

func TestSceneDependsOnSeedAndIndexAlone(t *testing.T) {
	few, _ := NewScenes(10, 3)
	many, _ := NewScenes(1000, 3)
	other, _ := NewScenes(10, 4)
	many.Scene(500)
	if !reflect.DeepEqual(few.Scene(9), many.Scene(9)) {
		t.Error("the number of scenes changes one of them")
	}
	if reflect.DeepEqual(few.Scene(9).Image, other.Scene(9).Image) {
		t.Error("seeds 3 and 4 draw the same scene")
	}
	if _, err := NewScenes(0, 3); err == nil {
		t.Error("0 scenes pass")
	}
}

// A network that cannot tell a scene from the same scene moved by half the picture sees the class up to this.
func TestWithoutPlaceHalfOfTheClassesAreLost(t *testing.T) {
	votes := map[string]*[4]int{}
	scenes, _ := NewScenes(20000, 1)
	for i := range scenes.Len() {
		random := stream(scenes.seed, uint64(i))
		scene := arrange(scenes.Label(i), random)
		// The least of the four moved scenes stands for all.
		least := ""
		for shift := range places {
			moved := ""
			for place := range places {
				moved += fmt.Sprint(scene[place^shift])
			}
			if least == "" || moved < least {
				least = moved
			}
		}
		if votes[least] == nil {
			votes[least] = new([4]int)
		}
		votes[least][scenes.Label(i)]++
	}
	right := 0
	for _, count := range votes {
		right += max(count[0], count[1], count[2], count[3])
	}
	if accuracy := float64(right) / float64(scenes.Len()); accuracy < 0.48 || accuracy > 0.53 {
		t.Errorf("the best guess without place is right in %.3f of scenes, want 1/2", accuracy)
	}
}

func BenchmarkScene(b *testing.B) {
	scenes, _ := NewScenes(1000, 1)
	for i := 0; b.Loop(); i++ {
		scenes.Scene(i % 1000)
	}
}
