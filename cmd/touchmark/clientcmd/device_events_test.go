package clientcmd_test

import (
	"strings"
	"testing"
)

// TestNoEvents does not take what went to the archive for what never happened.
func TestNoEvents(t *testing.T) {
	d := opened(t, says(`{"items":[],"next":""}`))
	_, told, err := d.typed(t, "device", "events", "TH20-SN1")
	if err != nil || !strings.Contains(told, "in the store") || !strings.Contains(told, "touchmark audit export") {
		t.Errorf("says %q, %v", told, err)
	}
}
