package enroll

import "github.com/touchmark/touchmark/identity"

// grantOfOrder is what events name as grant where an order names a station that
// shows a certificate.
const grantOfOrder = "order"

// entitled is where somebody acts, and what lets them.
type entitled struct {
	at    *place
	grant string
}

func (e *Event) by(who entitled) {
	e.at(who.at)
	e.Grant = who.grant
}

// vouched returns where an enrolment happens and what lets the principal vouch for
// the device; a device that proved itself needs nothing.
func (s *Service) vouched(r Reader, request *opened, at *place) (entitled, error) {
	if _, vouches := request.Evidence.(VouchEvidence); !vouches {
		return entitled{at: at}, nil
	}
	a, err := s.access(r, request.Principal)
	if err != nil {
		return entitled{}, err
	}
	for _, permission := range []identity.Permission{identity.DeviceEnrolAny, identity.DeviceEnrol} {
		if grant := a.grant(permission, at); grant != "" {
			return entitled{at, grant}, nil
		}
	}
	return entitled{at, grantOfOrder}, nil
}
