package ca_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
)

// serialWith has random octets that begin with these.
func serialWith(t *testing.T, notAfter time.Time, random ...byte) ca.Serial {
	t.Helper()
	s, err := ca.NewSerial(bytes.NewReader(append(random, make([]byte, 13)...)), notAfter)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestShardFor(t *testing.T) {
	const day = 24 * time.Hour
	notAfter := time.Unix(20410*86400+5, 0)
	for _, test := range []struct {
		lifetime time.Duration
		bits     uint8
		random   []byte
		want     ca.ShardID
	}{
		{time.Minute, 0, nil, "0-20410-0-0"},
		{day, 0, nil, "0-20410-0-0"},
		{day + 1, 0, nil, "1-10205-0-0"},
		{90 * day, 0, nil, "7-159-0-0"},
		{ca.MaxLifetime, 0, nil, "14-1-0-0"},
		{ca.MaxLifetime - time.Hour, 1, []byte{0x80}, "14-1-1-1"},
		{day, 1, []byte{0x7f, 0xff, 0xff}, "0-20410-1-0"},
		{day, 8, []byte{0xab}, "0-20410-8-171"},
		{day, 20, []byte{0xff, 0xff, 0xff}, "0-20410-20-1048575"},
		{day, 20, []byte{0x00, 0x00, 0x1f}, "0-20410-20-1"},
		{day, 255, []byte{0xff, 0xff, 0xff}, "0-20410-20-1048575"},
	} {
		t.Run(fmt.Sprintf("%s in %d bits", test.lifetime, test.bits), func(t *testing.T) {
			serial := serialWith(t, notAfter, test.random...)
			got := ca.ShardFor(serial, test.lifetime, test.bits)
			if got != test.want {
				t.Fatalf("ShardFor = %s, want %s", got, test.want)
			}
			if parsed, err := ca.ParseShardID(string(got)); err != nil || parsed != got {
				t.Errorf("ParseShardID(%s) = %s, %v", got, parsed, err)
			}
			if !got.Contains(serial) {
				t.Errorf("%s does not contain %s", got, serial)
			}
			if got.Expires().Before(notAfter) {
				t.Errorf("%s expires at %s, before its certificate", got, got.Expires())
			}
		})
	}
}

func TestShardParts(t *testing.T) {
	id := ca.ShardID("1-10205-4-9")
	if want := time.Unix(10206*2*86400, 0); !id.Expires().Equal(want) {
		t.Errorf("Expires() = %s, want %s", id.Expires(), want.UTC())
	}
	if id.Bits() != 4 || id.Family() != "1-10205" || id.String() != "1-10205-4-9" {
		t.Errorf("Bits, Family, String = %d, %s, %s", id.Bits(), id.Family(), id)
	}
	wrong := ca.ShardID("nonsense")
	if !wrong.Expires().IsZero() || wrong.Bits() != 0 || wrong.Family() != "" || wrong.Contains(newSerial(t, time.Unix(0, 0))) {
		t.Error("a wrong id has parts")
	}
}

func TestShardOfOneSplitHoldsAllOfIts(t *testing.T) {
	notAfter := time.Unix(20410*86400, 0)
	for range 1000 {
		s := newSerial(t, notAfter)
		coarse, fine := ca.ShardFor(s, time.Hour, 3), ca.ShardFor(s, time.Hour, 4)
		if coarse.Family() != fine.Family() || !coarse.Contains(s) || !fine.Contains(s) || coarse == fine {
			t.Fatalf("%s is in %s and in %s", s, coarse, fine)
		}
	}
}

func TestParseShardIDIsStrict(t *testing.T) {
	for _, text := range []string{
		"", "0", "0-1-0", "0-1-0-0-0", "00-1-0-0", "0-01-0-0", "0-1-00-0", "0-1-0-00", "+0-1-0-0", "0-1-0- 0", "0-1-0-0\n", "15-1-0-0",
		"0-1-21-0", "0-1-0-1", "0-1-3-8", "0-4294967296-0-0", "0-9999999-0-0", "a-1-0-0", "0-1-0-0x", "-1-1-0-0", "0--1-0-0", "../../etc",
		strings.Repeat("0-", 10000),
	} {
		if id, err := ca.ParseShardID(text); err == nil {
			t.Errorf("ParseShardID(%q) = %s", text, id)
		} else if len(err.Error()) > 300 {
			t.Errorf("the error repeats the whole input: %d octets", len(err.Error()))
		}
	}
}

func FuzzParseShardID(f *testing.F) {
	f.Add("0-20410-2-3")
	f.Add("14-1-20-1048575")
	f.Add("0-1-0-00")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ca.ParseShardID(text)
		if err != nil {
			return
		}
		if string(id) != text || id.Expires().IsZero() || !strings.HasPrefix(text, id.Family()+"-") {
			t.Errorf("%q is read as %q, family %q, until %s", text, id, id.Family(), id.Expires())
		}
	})
}

// What certificates of any lifetime of a width may name between two times is what
// ShardsBetween says.
func TestShardsBetween(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Unix(20410*86400+80_000, 0)
	for _, lifetime := range []time.Duration{time.Minute, time.Hour, day, day + time.Second, 2 * day, 90 * day, 365 * day, ca.MaxLifetime} {
		width := ca.ShardWidth(lifetime)
		over, upTo := ca.WidthLifetimes(width)
		if lifetime <= over || lifetime > upTo {
			t.Errorf("%s has width %d, of lifetimes over %s up to %s", lifetime, width, over, upTo)
		}
		known := map[ca.ShardID]bool{}
		for _, id := range ca.ShardsBetween(width, now.Add(over), now.Add(upTo+day)) {
			known[id] = true
			if id.Width() != width || id.Bits() != 0 {
				t.Errorf("%s among the unsplit shards of width %d", id, width)
			}
		}
		if len(known) == 0 || len(known) > 3 {
			t.Errorf("%d shards of width %d", len(known), width)
		}
		for at := now; at.Before(now.Add(day)); at = at.Add(10 * time.Minute) {
			serial := serialWith(t, at.Add(lifetime), 0xc0)
			if id := ca.ShardFor(serial, lifetime, 0); !known[id] {
				t.Errorf("%s of lifetime %s is not foreseen", id, lifetime)
			}
			if whole, split := ca.ShardFor(serial, lifetime, 0), ca.ShardFor(serial, lifetime, 2); whole.Split(2, 3) != split {
				t.Errorf("%s is not the last quarter of %s: %s is", split, whole, whole.Split(2, 3))
			}
		}
	}
	for _, none := range []ca.ShardID{ca.ShardID("0-20410-0-0").Split(1, 2), ca.ShardID("0-20410-0-0").Split(21, 0), ca.ShardID("x").Split(0, 0)} {
		if none != "" {
			t.Errorf("%s is a shard", none)
		}
	}
}
