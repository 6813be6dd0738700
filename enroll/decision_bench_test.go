package enroll_test

import (
	"fmt"
	"testing"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

// BenchmarkDecision decides, warm, whether somebody may do something three levels
// down the tree, by the last of their twenty grants: a person of twenty groups, whose
// grants are their groups', and a token that they made. Its target is 5 us each.
func BenchmarkDecision(b *testing.B) {
	r := newTokenRig(b)
	deep := r.order(1, func(o *enroll.NewOrder) { o.Fleet = "/berlin/line-3/cell-7" })
	var groups []string
	for i := range 20 {
		groups = append(groups, fmt.Sprintf("00000000-0000-0000-0000-%012d", i)) // as Entra names them
		fleet := fmt.Sprintf("/site-%02d", 20-i)
		if i == 19 {
			fleet = "/berlin"
		}
		r.order(1, func(o *enroll.NewOrder) { o.Fleet = fleet })
		r.grant("group:https://idp.example#"+groups[i], identity.Operator, fleet)
	}
	mia := person("mia", groups...)
	token := r.holder(r.token(mia))
	for name, p := range map[string]identity.Principal{"person": mia, "token": token} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			check(b, r.store.View(b.Context(), func(reader enroll.Reader) error {
				for b.Loop() {
					may, err := r.May(reader, p, identity.TicketDraw, deep.Fleet)
					if err != nil || !may {
						b.Fatal(may, err)
					}
				}
				return nil
			}))
		})
	}
}
