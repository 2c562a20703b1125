package data

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
)

func ExampleScenes() {
	scenes, _ := NewScenes(1000, 7)
	scene := scenes.Scene(2)
	fmt.Println(scenes.Classes()[scene.Class])
	for _, figure := range scene.Figures {
		fmt.Println(figure.Kind, figure.Warm, figure.Box)
	}
	// Output:
	// bottom left
	// ring true (4,6)-(16,18)
	// triangle true (26,5)-(39,17)
	// circle false (10,31)-(20,40)
	// circle true (30,32)-(38,40)
}

func TestScenesAreAsDocumented(t *testing.T) {
	const count = 4000
	scenes, err := NewScenes(count, 3)
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]int, places)
	warmOdd := make([]int, places)
	for i := range count {
		scene := scenes.Scene(i)
		warm := 0
		for place, figure := range scene.Figures {
			if figure.Box.Empty() || figure.Box.Min.X/24 != place%2 || (figure.Box.Max.X-1)/24 != place%2 ||
				figure.Box.Min.Y/24 != place/2 || (figure.Box.Max.Y-1)/24 != place/2 {
				t.Fatalf("scene %d: figure %d lies at %v, outside its quarter", i, place, figure.Box)
			}
			if figure.Warm {
				warm++
			}
		}
		odd := scene.Figures[scene.Class]
		if scene.Class != scenes.Label(i) || odd.Warm && warm != 1 || !odd.Warm && warm != 3 {
			t.Fatalf("scene %d of class %d holds %+v", i, scene.Class, scene.Figures)
		}
		counts[scene.Class]++
		if odd.Warm {
			warmOdd[scene.Class]++
		}
	}
	for class, got := range counts {
		if got != count/places {
			t.Errorf("class %d has %d scenes, want %d", class, got, count/places)
		}
		// 500 are expected; five standard deviations.
		if difference := math.Abs(float64(warmOdd[class] - 500)); difference > 5*math.Sqrt(1000*0.25) {
			t.Errorf("in class %d the odd figure is warm in %d of 1000 scenes", class, warmOdd[class])
		}
	}
}

func TestColoursOfFiguresShowInThePicture(t *testing.T) {
	scenes, _ := NewScenes(200, 5)
	for i := range scenes.Len() {
		scene := scenes.Scene(i)
		for place, figure := range scene.Figures {
			var red, blue int
			for at, label := range scene.Mask {
				if int(label) == place+1 {
					pixel := scene.Image.Row(at / SceneSize)[3*(at%SceneSize):]
					red, blue = red+int(pixel[0]), blue+int(pixel[2])
				}
			}
			if (red > blue) != figure.Warm {
				t.Fatalf("scene %d: figure %d is said to be warm (%v), but its red and blue add up to %d and %d", i, place, figure.Warm, red, blue)
			}
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

// A network that cannot tell a scene from the same scene moved by half the picture is left with chance.
func TestWithoutPlaceOnlyChanceIsLeft(t *testing.T) {
	votes := map[string]*[places]int{}
	scenes, _ := NewScenes(20000, 1)
	for i := range scenes.Len() {
		warm := arrange(scenes.Label(i), stream(scenes.seed, uint64(i)))
		// The least of the four moved scenes stands for all.
		least := ""
		for shift := range places {
			moved := ""
			for place := range places {
				moved += fmt.Sprint(warm[place^shift])
			}
			if least == "" || moved < least {
				least = moved
			}
		}
		if votes[least] == nil {
			votes[least] = new([places]int)
		}
		votes[least][scenes.Label(i)]++
	}
	right := 0
	for _, count := range votes {
		right += slices.Max(count[:])
	}
	if accuracy := float64(right) / float64(scenes.Len()); accuracy < 0.24 || accuracy > 0.27 {
		t.Errorf("the best guess without place is right in %.3f of scenes, want 1/4", accuracy)
	}
}

func BenchmarkScene(b *testing.B) {
	scenes, _ := NewScenes(1000, 1)
	for i := 0; b.Loop(); i++ {
		scenes.Scene(i % 1000)
	}
}
