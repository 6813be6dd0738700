package ca_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/ca"
)

func TestProfileDefaults(t *testing.T) {
	p := profile(t, ca.ProfileConfig{Name: "default"})
	if p.Name() != "default" || p.Lifetime() != 24*time.Hour || p.Backdate() != time.Minute || p.NoRevAvail() || p.Purpose() != ca.PurposeDevice {
		t.Errorf("defaults are %+v", p.Config())
	}
	if again := profile(t, p.Config()); again != p {
		t.Errorf("Config() makes another profile: %+v", again.Config())
	}
}

func TestProfileBounds(t *testing.T) {
	for name, lifetime := range map[string]time.Duration{"a minute": time.Minute, "30 years": ca.MaxLifetime} {
		if _, err := ca.NewProfile(ca.ProfileConfig{Name: "x", Lifetime: lifetime}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProfileReportsAllFaultsAtOnce(t *testing.T) {
	_, err := ca.NewProfile(ca.ProfileConfig{
		Name: "No Good", Purpose: "coffee", Lifetime: time.Second, Backdate: -time.Second, NoRevAvail: true, OwnerURN: true,
	})
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, key := range []string{"name:", "purpose:", "lifetime:", "backdate:", "no_rev_avail:", "owner_urn:"} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("the error does not name %q: %v", key, err)
		}
	}
}

func TestProfileConfigInJSON(t *testing.T) {
	want := ca.ProfileConfig{Name: "short", Lifetime: time.Hour, NoRevAvail: true, OwnerURN: true}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got ca.ProfileConfig
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("%s is read as %+v, %v", text, got, err)
	}
}
