package complexity

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"math/bits"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// colors tell the operators apart, also in the eyes of those who confuse red and green (Okabe and Ito's palette).
var colors = map[Operator]color.Color{
	SelfAttention: color.RGBA{213, 94, 0, 255},
	Depthwise7:    color.RGBA{110, 110, 110, 255},
	Global2D:      color.RGBA{204, 121, 167, 255},
	ParC:          color.RGBA{0, 114, 178, 255},
	FastParC:      color.RGBA{0, 158, 115, 255},
}

// Plot draws multiply-adds against the height of square maps that all have the same channels, in order of height, and
// marks where Fast-ParC becomes cheaper than ParC and where ParC becomes dearer than the 7×7 window. The cost of Fast-ParC
// depends on the factors of N: where there are maps of 7·2ᵏ among others, the line goes through those, and a pale one
// through all. Format is "svg" or "png".
func Plot(w io.Writer, maps []Map, format string) error {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("Multiply-adds of one operator on N×N maps of %d channels", maps[0].Channels)
	p.Title.Padding = vg.Points(10)
	p.X.Label.Text, p.Y.Label.Text = "N", "multiply-adds"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(doublings), plot.TickerFunc(decades)
	p.Add(grid())
	first, last := maps[0], maps[len(maps)-1]
	for _, o := range Operators {
		line, err := lineOf(p, o, maps)
		if err != nil {
			return err
		}
		label, err := endLabel(o, last)
		if err != nil {
			return err
		}
		p.Add(line, label)
		p.Legend.Add(o.String(), line)
	}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(8), vg.Points(-6)
	p.Legend.Padding = vg.Points(2)
	for _, pair := range [][2]Operator{{FastParC, ParC}, {Depthwise7, ParC}} {
		if err := markCrossover(p, pair[0], pair[1], maps); err != nil {
			return err
		}
	}
	p.X.Min, p.X.Max = float64(first.Height), float64(last.Height)*math.Pow(float64(last.Height)/float64(first.Height), 0.22)
	canvas, err := p.WriterTo(18*vg.Centimeter, 12*vg.Centimeter, format)
	if err != nil {
		return err
	}
	_, err = canvas.WriteTo(w)
	return err
}

// lineOf returns an operator's line. It adds the pale one to the plot.
func lineOf(p *plot.Plot, o Operator, maps []Map) (*plotter.Line, error) {
	through := drawn(o, maps)
	if len(through) < len(maps) {
		all, err := plotter.NewLine(points(o, maps))
		if err != nil {
			return nil, err
		}
		all.Color, all.Width = color.RGBA{170, 222, 206, 255}, vg.Points(0.7)
		p.Add(all)
	}
	line, err := plotter.NewLine(points(o, through))
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = colors[o], vg.Points(2)
	return line, nil
}

// drawn returns the maps that an operator's line goes through.
func drawn(o Operator, maps []Map) []Map {
	usual := slices.DeleteFunc(slices.Clone(maps), func(m Map) bool { return !isDoubling(m.Height) })
	if o != FastParC || len(usual) < 2 {
		return maps
	}
	return usual
}

// isDoubling says whether n is 7·2ᵏ, as the sizes of maps in this field are.
func isDoubling(n int) bool { return n%7 == 0 && bits.OnesCount(uint(n/7)) == 1 }

func points(o Operator, maps []Map) plotter.XYs {
	line := make(plotter.XYs, len(maps))
	for i, m := range maps {
		line[i] = plotter.XY{X: float64(m.Height), Y: float64(o.Costs(m).MultiplyAdds)}
	}
	return line
}

// endLabel names an operator at the end of its line.
func endLabel(o Operator, last Map) (*plotter.Labels, error) {
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: points(o, []Map{last}), Labels: []string{o.String()}})
	if err != nil {
		return nil, err
	}
	label.Offset = vg.Point{X: vg.Points(5), Y: labelShift(o, last)}
	label.TextStyle[0].Color, label.TextStyle[0].YAlign = colors[o], text.YCenter
	label.TextStyle[0].Font.Size = font.Length(9)
	return label, nil
}

// labelShift keeps the names of two operators whose costs are close from each other.
func labelShift(o Operator, last Map) vg.Length {
	own := math.Log(float64(o.Costs(last).MultiplyAdds))
	for _, other := range Operators {
		distance := own - math.Log(float64(other.Costs(last).MultiplyAdds))
		if other == o || math.Abs(distance) > 0.8 {
			continue
		}
		if distance > 0 || distance == 0 && o < other {
			return vg.Points(5)
		}
		return vg.Points(-5)
	}
	return 0
}

// markCrossover circles the place from which on a is cheaper than b on the maps of the lines, and writes N beside it, and
// from which N on it is on all maps.
func markCrossover(p *plot.Plot, a, b Operator, maps []Map) error {
	at, found := Crossover(a, b, drawn(a, maps))
	if !found {
		return nil
	}
	name := fmt.Sprintf("%s below %s from N = %d", a, b, at.Height)
	if always, found := Crossover(a, b, maps); found && always.Height > at.Height {
		name += fmt.Sprintf(", for every N from %d", always.Height)
	}
	place := points(a, []Map{at})
	circle, err := plotter.NewScatter(place)
	if err != nil {
		return err
	}
	circle.GlyphStyle = draw.GlyphStyle{Color: color.Black, Radius: vg.Points(4), Shape: draw.RingGlyph{}}
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: place, Labels: []string{name}})
	if err != nil {
		return err
	}
	label.Offset = vg.Point{X: vg.Points(7), Y: vg.Points(-13)}
	label.TextStyle[0].Font.Size = font.Length(9)
	p.Add(circle, label)
	return nil
}

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = color.Gray{225}, color.Gray{225}
	return g
}

// doublings are ticks at 7·2ᵏ, the sizes of maps in this field.
func doublings(lo, hi float64) (ticks []plot.Tick) {
	for n := 7.0; n <= hi; n *= 2 {
		if n >= lo {
			ticks = append(ticks, plot.Tick{Value: n, Label: fmt.Sprintf("%g", n)})
		}
	}
	return ticks
}

// decades are ticks at powers of ten.
func decades(lo, hi float64) (ticks []plot.Tick) {
	for e := math.Ceil(math.Log10(lo)); math.Pow(10, e) <= hi; e++ {
		ticks = append(ticks, plot.Tick{Value: math.Pow(10, e), Label: amount(e)})
	}
	return ticks
}

// amount writes a power of ten with the prefixes for thousands.
func amount(exponent float64) string {
	prefixes := []string{"", " k", " M", " G", " T", " P", " E"}
	group := int(exponent) / 3
	return fmt.Sprintf("%g%s", math.Pow(10, exponent-3*float64(group)), prefixes[group])
}
