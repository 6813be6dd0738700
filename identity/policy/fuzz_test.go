package policy_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/touchmark/touchmark/identity/policy"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		full, `{}`, `null`, `{"keys":[]}`, `{"approval":[],"loosen":[]}`, `{"lifetime":"1h"}{`, `{"lifetime":"9223372036s","grace":"-0s"}`,
		`{"forks":"refuse","forks":"allow"}`, `{"LIFETIME":"1h"}`, `{"approval_over":1e3}`, `{"profile":"\u0041"}`, "{\"\xff\":1}", `{"loosen":["loosen"]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := policy.Parse(text)
		if err != nil {
			if _, err := json.Marshal(faultsOf(t, err)); err != nil || p != (policy.Policy{}) {
				t.Fatalf("%q: faults that are no JSON (%v), or a policy beside them: %+v", text, err, p)
			}
			return
		}
		written, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again := parse(t, string(written))
		rewritten, err := json.Marshal(again)
		if err != nil || again != p || !bytes.Equal(rewritten, written) {
			t.Fatalf("%q is written as %s, and that as %s (%v)", text, written, rewritten, err)
		}
		fromConfig, err := policy.New(p.Config())
		if err != nil || fromConfig != p {
			t.Fatalf("%s as a Config is %+v (%v)", written, fromConfig, err)
		}
		// It may stand below itself.
		layer := policy.Layer{Fleet: "f", Path: "/f", Policy: p}
		e := policy.Evaluate([]policy.Layer{layer})
		if err := policy.Check(e, p); err != nil {
			t.Fatalf("%s below itself: %v", written, err)
		}
		if changes := policy.Diff(e, e.Below(layer)); changes != nil {
			t.Fatalf("%s below itself changes %v", written, changes)
		}
		if _, err := json.Marshal(e.Explain()); err != nil {
			t.Fatalf("%s cannot be explained: %v", written, err)
		}
	})
}
