package ca_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/touchmark/touchmark/ca"
)

func newSerial(t testing.TB, notAfter time.Time) ca.Serial {
	t.Helper()
	s, err := ca.NewSerial(rand.Reader, notAfter)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSerialLayout(t *testing.T) {
	notAfter := at(t, "2031-02-03T04:05:06.789Z")
	s, err := ca.NewSerial(bytes.NewReader([]byte("thirteen octe")), notAfter)
	if err != nil {
		t.Fatal(err)
	}
	want := "40" + "01c0dd492465" + "746869727465656e206f637465"
	if s.String() != want {
		t.Errorf("serial number is %s, want %s", s, want)
	}
	if !s.NotAfter().Equal(notAfter) {
		t.Errorf("NotAfter() = %s, want %s", s.NotAfter(), notAfter)
	}
	if s.Int().Sign() <= 0 || len(s.Int().Bytes()) != 20 {
		t.Errorf("Int() = %x, want a positive number of 20 octets", s.Int())
	}
	if again, err := ca.SerialFromInt(s.Int()); err != nil || again != s {
		t.Errorf("SerialFromInt(Int()) = %s, %v", again, err)
	}
}

func TestSerialsSortByExpiry(t *testing.T) {
	start := at(t, "2026-01-01T00:00:00Z")
	var serials []ca.Serial
	for i := range 1000 {
		serials = append(serials, newSerial(t, start.Add(time.Duration(i)*time.Millisecond)))
	}
	if !slices.IsSortedFunc(serials, ca.Serial.Compare) {
		t.Error("serial numbers do not sort by notAfter")
	}
	for i, s := range serials {
		moment := start.Add(time.Duration(i) * time.Millisecond)
		if s.Compare(ca.FirstSerialAt(moment)) < 0 || s.Compare(ca.FirstSerialAt(moment.Add(time.Millisecond))) >= 0 {
			t.Fatalf("%s is not between the first serial numbers of its millisecond and the next", s)
		}
	}
}

func TestSerialRandomnessIsNotCutShort(t *testing.T) {
	if _, err := ca.NewSerial(iotest.ErrReader(errors.New("no entropy")), time.Unix(0, 0)); err == nil {
		t.Error("a serial number without randomness")
	}
	if _, err := ca.NewSerial(strings.NewReader("short"), time.Unix(0, 0)); err == nil {
		t.Error("a serial number with too little randomness")
	}
}

func TestSerialTimesOutOfRange(t *testing.T) {
	for _, moment := range []time.Time{time.Unix(-1, 0), time.UnixMilli(1 << 48)} {
		if _, err := ca.NewSerial(rand.Reader, moment); err == nil {
			t.Errorf("NewSerial(%s) did not fail", moment)
		}
	}
	if got := ca.FirstSerialAt(time.Unix(-1, 0)).NotAfter(); !got.Equal(time.Unix(0, 0)) {
		t.Errorf("FirstSerialAt before 1970 is at %s", got)
	}
}

func TestParseSerial(t *testing.T) {
	const plain = "4001c0dd492465746869727465656e206f637465"
	colons := "40:01:C0:DD:49:24:65:74:68:69:72:74:65:65:6E:20:6F:63:74:65"
	for name, text := range map[string]string{"plain": plain, "upper case": strings.ToUpper(plain), "colons": colons} {
		t.Run(name, func(t *testing.T) {
			if s, err := ca.ParseSerial(text); err != nil || s.String() != plain {
				t.Errorf("ParseSerial(%q) = %s, %v", text, s, err)
			}
		})
	}
	for name, text := range map[string]string{
		"empty": "", "short": plain[2:], "long": plain + "00", "other lead": "41" + plain[2:], "negative": "-" + plain[1:],
		"no hex": "4x" + plain[2:], "prefix": "0x" + plain, "one colon": plain[:2] + ":" + plain[2:],
		"spaces for colons": strings.ReplaceAll(colons, ":", " "), "very long": strings.Repeat("40", 10000),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ca.ParseSerial(text)
			if !errors.Is(err, ca.ErrBadSerial) {
				t.Errorf("ParseSerial = %v, want ErrBadSerial", err)
			} else if len(err.Error()) > 300 {
				t.Errorf("the error repeats the whole input: %d octets", len(err.Error()))
			}
		})
	}
}

func TestSerialFromForeignNumbers(t *testing.T) {
	for name, n := range map[string]*big.Int{
		"nil": nil, "zero": big.NewInt(0), "small": big.NewInt(7), "negative": big.NewInt(-7), "huge": new(big.Int).Lsh(big.NewInt(1), 4000),
	} {
		if _, err := ca.SerialFromInt(n); !errors.Is(err, ca.ErrBadSerial) {
			t.Errorf("%s: %v, want ErrBadSerial", name, err)
		}
	}
}

func TestSerialInJSON(t *testing.T) {
	want := newSerial(t, time.Unix(1_900_000_000, 0))
	text, err := json.Marshal(map[ca.Serial]ca.Serial{want: want})
	if err != nil {
		t.Fatal(err)
	}
	var got map[ca.Serial]ca.Serial
	if err := json.Unmarshal(text, &got); err != nil || got[want] != want {
		t.Errorf("%s is read as %v, %v", text, got, err)
	}
}

func FuzzParseSerial(f *testing.F) {
	f.Add("4001c0dd492465746869727465656e206f637465")
	f.Add("40:01:C0:DD:49:24:65:74:68:69:72:74:65:65:6E:20:6F:63:74:65")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ca.ParseSerial(text)
		if err != nil {
			return
		}
		if again, err := ca.ParseSerial(s.String()); err != nil || again != s {
			t.Errorf("%q is %s, which is read as %s, %v", text, s, again, err)
		}
	})
}
