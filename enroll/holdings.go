package enroll

import (
	"context"

	"github.com/touchmark/touchmark/identity"
)

// Holdings tells what p holds now, and where: what the configuration gives, and the
// grants to it and to its groups. A scoped token sees how far its maker's reach
// within its own branch.
func (s *Service) Holdings(ctx context.Context, p identity.Principal) (list []HeldGrant, err error) {
	if p.Kind == identity.Anonymous {
		return nil, s.deny(ctx, p, "")
	}
	err = s.store.View(ctx, func(r Reader) error {
		list = nil
		a, err := s.access(r, p)
		if err != nil || a.scope != nil {
			return err // a scoped token holds permissions, and no role
		}
		for i := range a.held {
			h := &a.held[i]
			if !h.lasts(a.now) {
				continue
			}
			top, err := a.top(r, h)
			if err != nil {
				return err
			}
			if top != nil {
				list = append(list, HeldGrant{Grant: h.grant, Role: h.role, Fleet: top.path, Until: h.until})
			}
		}
		return nil
	})
	return list, err
}
