package storetest_test

import (
	"testing"

	"github.com/touchmark/touchmark/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		s := storetest.NewMemory()
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return storetest.Harness{Store: s}
	})
}
