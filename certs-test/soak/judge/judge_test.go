package judge_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/certs-test/soak/judge"
)

// series measures f once every ten seconds for an hour.
func series(f func(hours float64) float64) (points []judge.Point) {
	for at := time.Duration(0); at <= time.Hour; at += 10 * time.Second {
		points = append(points, judge.Point{At: at, Value: f(at.Hours())})
	}
	return points
}

func TestLeaksAreFound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := func(size float64) float64 { return size * (random.Float64() - 0.5) }
	rule := judge.Rule{Share: 0.1, Slack: 20}
	for _, test := range []struct {
		name string
		flat bool
		f    func(hours float64) float64
	}{
		{"constant", true, func(float64) float64 { return 500 }},
		{"noise", true, func(float64) float64 { return 500 + noise(200) }},
		{"a saw, as of garbage collection", true, func(h float64) float64 { return 500 + 400*(h*37-float64(int(h*37))) }},
		{"bursts at the end", true, func(h float64) float64 {
			if h > 0.8 {
				return 5000
			}
			return 500 + noise(20)
		}},
		{"shrinking", true, func(h float64) float64 { return 500 - 300*h }},
		{"little, and slowly", true, func(h float64) float64 { return 50 + 15*h }},
		{"a leak", false, func(h float64) float64 { return 500 + 100*h }},
		{"a leak in noise", false, func(h float64) float64 { return 500 + 100*h + noise(200) }},
		{"a leak under a saw", false, func(h float64) float64 { return 500 + 150*h + 400*(h*37-float64(int(h*37))) }},
		{"a leak by steps", false, func(h float64) float64 { return 500 + 50*float64(int(h*5)) }},
		{"a leak from nothing", false, func(h float64) float64 { return 100 * h }},
		{"a leak with bursts", false, func(h float64) float64 {
			if random.IntN(5) == 0 {
				return 5000
			}
			return 500 + 150*h
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := judge.Judge("x", "things", series(test.f), rule)
			if v.Flat != test.flat || v.Flat != (v.Why == "") {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestBoundOfTheMedian(t *testing.T) {
	constant := series(func(float64) float64 { return 500 })
	if v := judge.Judge("x", "things", constant, judge.Rule{Most: 400}); v.Flat || !strings.Contains(v.Why, "400") {
		t.Errorf("%+v", v)
	}
	if v := judge.Judge("x", "things", constant, judge.Rule{Most: 600}); !v.Flat {
		t.Errorf("%+v", v)
	}
}

// A run of which nothing was measured proves nothing.
func TestFewPointsAreNoProof(t *testing.T) {
	if v := judge.Judge("x", "things", series(func(float64) float64 { return 1 })[:5], judge.Rule{Share: 1}); v.Flat {
		t.Errorf("%+v", v)
	}
	if v := judge.Judge("x", "things", nil, judge.Rule{Share: 1}); v.Flat {
		t.Errorf("%+v", v)
	}
}

func TestManyPointsAreThinnedOut(t *testing.T) {
	var points []judge.Point
	for i := range 20_000 {
		points = append(points, judge.Point{At: time.Duration(i) * time.Second, Value: float64(i)})
	}
	if v := judge.Judge("x", "things", points, judge.Rule{Share: 0.1}); v.Flat || v.Rise < 19_000 || v.Points != 20_000 {
		t.Errorf("%+v", v)
	}
}

func TestPercentiles(t *testing.T) {
	var timed []judge.Timed
	for i := range 100 { // the first half of a second each, then one of them a second
		took := time.Millisecond
		if i == 99 {
			took = time.Second
		}
		timed = append(timed, judge.Timed{At: time.Second, Took: took}, judge.Timed{At: 9 * time.Second, Took: 2 * time.Millisecond})
	}
	points := judge.Percentiles(timed, 0, 10*time.Second, 2, 0.99)
	if len(points) != 2 || points[0].Value != 1 || points[1].Value != 2 || points[1].At != 7500*time.Millisecond {
		t.Errorf("%v", points)
	}
	if most := judge.Percentiles(timed, 0, 10*time.Second, 2, 1); most[0].Value != 1000 {
		t.Errorf("the most is %v", most)
	}
	if none := judge.Percentiles(timed, 20*time.Second, 30*time.Second, 2, 0.99); len(none) != 0 {
		t.Errorf("of a time in which nothing happened there is %v", none)
	}
}

// Twelve points of noise may have a slope by chance; a leak of as many is found.
func TestTrendIsMoreThanChance(t *testing.T) {
	points := func(values ...float64) (all []judge.Point) {
		for i, value := range values {
			all = append(all, judge.Point{At: time.Duration(i) * time.Minute, Value: value})
		}
		return all
	}
	rule := judge.Rule{Share: 0.1}
	if v := judge.Judge("x", "ms", points(10, 30, 8, 25, 12, 40, 9, 33, 28, 11, 37, 21), rule); !v.Flat || v.Rise <= v.Allowed {
		t.Errorf("noise that rises by chance: %+v", v)
	}
	if v := judge.Judge("x", "ms", points(10, 12, 11, 14, 15, 14, 17, 19, 18, 21, 22, 24), rule); v.Flat {
		t.Errorf("a leak: %+v", v)
	}
}

// What only rises as the machine gets slower is flat in relation to it.
func TestRelative(t *testing.T) {
	machine := series(func(h float64) float64 { return 2 + 3*h })
	slower := series(func(h float64) float64 { return 10 * (2 + 3*h) })
	leak := series(func(h float64) float64 { return 10 * (2 + 3*h) * (1 + h) })
	rule := judge.Rule{Share: 0.3}
	if v := judge.Judge("x", "", judge.Relative(slower, machine), rule); !v.Flat || v.Median != 10 {
		t.Errorf("%+v", v)
	}
	if v := judge.Judge("x", "", judge.Relative(leak, machine), rule); v.Flat {
		t.Errorf("%+v", v)
	}
	if left := judge.Relative(slower, machine[:10]); len(left) != 10 {
		t.Errorf("%d points", len(left))
	}
}
