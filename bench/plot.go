package bench

import (
	"fmt"
	"image/color"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/fastparc/fastparc/parc"
)

// Sizes of a plot.
const (
	panelWidth  = 12 * vg.Centimeter
	panelHeight = 9 * vg.Centimeter
	legendWidth = 5 * vg.Centimeter
	margin      = 3 * vg.Millimeter
)

// series is one line of a plot: the time of one thing at each length.
type series struct {
	name   string
	style  draw.LineStyle
	glyph  draw.GlyphDrawer // nil for the limits
	values func(r *Result) float64
}

// Plot returns a function that draws time against N, a panel for each pass, batch and number of threads: as SVG, or as
// PNG where the file's name ends so.
func (r *Report) Plot(file string) func(w io.Writer) error {
	return func(w io.Writer) error {
		groups := r.groups()
		if len(groups) == 0 {
			return fmt.Errorf("nothing was measured that could be drawn")
		}
		columns := min(2, len(groups))
		rows := (len(groups) + columns - 1) / columns
		width := vg.Length(columns)*panelWidth + legendWidth
		height := vg.Length(rows) * panelHeight
		var canvas interface {
			vg.CanvasSizer
			io.WriterTo
		} = vgsvg.New(width, height)
		if filepath.Ext(file) == ".png" {
			canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(144), vgimg.UseBackgroundColor(color.White))}
		}
		whole := draw.New(canvas)
		whole.SetColor(color.White)
		whole.Fill(whole.Rectangle.Path())
		lines := r.series()
		legend := plot.NewLegend()
		for i, group := range groups {
			panel, err := newPanel(group, lines)
			if err != nil {
				return err
			}
			left, top := vg.Length(i%columns)*panelWidth, height-vg.Length(i/columns)*panelHeight
			area := draw.Canvas{Canvas: whole.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: left + margin, Y: top - panelHeight + margin}, Max: vg.Point{X: left + panelWidth - margin, Y: top - margin},
			}}
			panel.Draw(area)
			if i == 0 {
				legend.TextStyle = panel.Legend.TextStyle
			}
		}
		drawLegend(whole, legend, lines, width)
		_, err := canvas.WriteTo(w)
		return err
	}
}

// drawLegend names the lines in the column on the right.
func drawLegend(whole draw.Canvas, legend plot.Legend, lines []series, width vg.Length) {
	legend.Top, legend.Left = true, true
	legend.Padding, legend.ThumbnailWidth = vg.Millimeter, 9*vg.Millimeter
	legend.TextStyle.Font.Size = 10
	for _, s := range lines {
		line := &plotter.Line{LineStyle: s.style}
		if s.glyph == nil {
			legend.Add(s.name, line)
			continue
		}
		legend.Add(s.name, line, &plotter.Scatter{GlyphStyle: s.glyphStyle()})
	}
	whole.Min.X, whole.Max.Y = width-legendWidth, whole.Max.Y-margin-8*vg.Millimeter
	legend.Draw(whole)
}

// newPanel draws a group's times against N, both logarithmic.
func newPanel(group []*Result, lines []series) (*plot.Plot, error) {
	p := plot.New()
	heading, _, _ := strings.Cut(group[0].heading(), ", ms")
	p.Title.Text = heading
	p.Title.TextStyle.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: 11}
	p.Title.Padding = 2 * vg.Millimeter
	p.X.Label.Text, p.Y.Label.Text = "N", "ms a call"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	var ticks []plot.Tick
	for _, r := range group {
		n := r.Length()
		if !slices.ContainsFunc(ticks, func(t plot.Tick) bool { return t.Value == float64(n) }) {
			ticks = append(ticks, plot.Tick{Value: float64(n), Label: fmt.Sprint(n)})
		}
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Marker = plot.TickerFunc(decades)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: 10}
		axis.Tick.Label.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: 9}
		axis.Padding = vg.Millimeter
	}
	p.Legend.TextStyle.Font = p.X.Label.TextStyle.Font
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{232}, color.Gray{232}
	p.Add(grid)
	for _, s := range slices.Backward(lines) { // the first lies on top
		var points plotter.XYs
		for _, r := range group {
			if value := s.values(r); value > 0 {
				points = append(points, plotter.XY{X: float64(r.Length()), Y: value})
			}
		}
		if len(points) == 0 {
			continue
		}
		slices.SortStableFunc(points, func(a, b plotter.XY) int { return int(a.X - b.X) })
		line, scatter, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.LineStyle = s.style
		p.Add(line)
		if s.glyph != nil {
			scatter.GlyphStyle = s.glyphStyle()
			p.Add(scatter)
		}
	}
	return p, nil
}

func (s series) glyphStyle() draw.GlyphStyle {
	return draw.GlyphStyle{Color: s.style.Color, Radius: 2.2, Shape: s.glyph}
}

// decades labels the powers of ten, and marks what lies between.
func decades(low, high float64) (ticks []plot.Tick) {
	for decade := 1e-6; decade <= high; decade *= 10 {
		for digit := 1.0; digit < 10; digit++ {
			if value := decade * digit; value >= low && value <= high {
				label := ""
				if digit == 1 {
					label = fmt.Sprintf("%g", value)
				}
				ticks = append(ticks, plot.Tick{Value: value, Label: label})
			}
		}
	}
	return ticks
}

// Colours that people with any kind of colour vision tell apart, after Okabe and Ito.
var (
	vermilion = color.RGBA{213, 94, 0, 255}
	blue      = color.RGBA{0, 114, 178, 255}
	green     = color.RGBA{0, 158, 115, 255}
	purple    = color.RGBA{204, 121, 167, 255}
	sky       = color.RGBA{86, 180, 233, 255}
	grey      = color.RGBA{110, 110, 110, 255}
)

var libraryColours = map[string]color.Color{"torch": blue, "onnxruntime": green, "openvino": purple, "jax": sky}

var libraryNames = map[string]string{"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "jax": "JAX"}

// series returns the lines for what was measured: our forms, the other libraries', and the limits.
func (r *Report) series() (all []series) {
	dash := []vg.Length{4, 2}
	dot := []vg.Length{1, 2}
	add := func(name string, c color.Color, width vg.Length, dashes []vg.Length, glyph draw.GlyphDrawer, values func(r *Result) float64) {
		for i := range r.Works {
			if values(&r.Works[i]) > 0 {
				all = append(all, series{name, draw.LineStyle{Color: c, Width: width, Dashes: dashes}, glyph, values})
				return
			}
		}
	}
	ours := func(method string) func(r *Result) float64 {
		return func(r *Result) float64 { e, _ := r.ours(method); return e.Median }
	}
	add("fastparc", vermilion, 2.4, nil, draw.CircleGlyph{}, ours(parc.Auto.String()))
	add("fastparc, spatial", vermilion, 0.9, dash, nil, ours(parc.Spatial.String()))
	add("fastparc, FFT", vermilion, 0.9, dot, nil, ours(parc.FFT.String()))
	add("fastparc, 7×7", color.Black, 0.9, nil, draw.PlusGlyph{}, ours(string(local)))
	for _, library := range Libraries() {
		peer := func(form string) func(r *Result) float64 {
			return func(r *Result) float64 { return r.medianOf(library + " " + form) }
		}
		add(libraryNames[library]+", spatial", libraryColours[library], 1.2, dash, draw.SquareGlyph{}, peer("spatial"))
		add(libraryNames[library]+", FFT", libraryColours[library], 1.2, nil, draw.TriangleGlyph{}, peer("fft"))
	}
	add("arithmetic at the peak", grey, 1, dash, nil, (*Result).arithmetic)
	add("copy of the tensor", grey, 1, dot, nil, (*Result).copyTime)
	return all
}
