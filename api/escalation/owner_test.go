package escalation_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What an owner may, over what somebody may whom nothing was granted: to see the one
// device that is theirs and to hold it, to hand it on and to give it up. The device
// stands where they hold nothing.
func TestAnOwnerSeesAndHoldsTheirOneDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	may := func(name string) (list []string) {
		s := w.stage(t, w.plain)
		a := w.actors[slices.IndexFunc(w.actors, func(a *actor) bool { return a.name == name })]
		for _, o := range apiOperations() {
			for _, f := range o.forms {
				for _, at := range f.at {
					answer := s.send(apiListener, a, build(t, o.call, f.ask(w, a, at)))
					s.again(answer)
					if answer.Code < 300 {
						list = append(list, o.call+" ("+f.name+"): "+string(at))
					}
				}
			}
		}
		return list
	}
	stranger := may("stranger")
	owner := slices.DeleteFunc(may("owner"), func(call string) bool { return slices.Contains(stranger, call) })
	if len(stranger) == 0 {
		t.Error("a stranger may nothing at all, not even learn who they are")
	}
	want := []string{
		"GET /api/v1/devices (): no fleet",
		"GET /api/v1/devices/{id} (): owned",
		"GET /api/v1/devices/{id}/events (): owned",
		"GET /api/v1/devices/{id}/effective (): owned",
		"POST /api/v1/devices/{id}/hold (): owned",
		"DELETE /api/v1/devices/{id}/owner (): owned",
		"POST /api/v1/devices/{id}/transfer (): owned",
		"DELETE /api/v1/devices/{id}/transfer (): owned",
		"GET /api/v1/certificates (): no fleet",
		"GET /api/v1/certificates (of one device): owned",
		"GET /api/v1/certificates/{serial} (): owned",
		"POST /api/v1/certificates/{serial}/hold (): owned",
		"POST /api/v1/access/explain (oneself on a device): owned",
	}
	for _, at := range devices() { // lists of what they see, which may be nothing
		want = append(want, "GET /api/v1/devices (by the beginning of its name): "+string(at))
	}
	for _, at := range known() { // likewise, and of what they own among it
		want = append(want, "GET /api/v1/users/{id}/devices (): "+string(at), "POST /api/v1/users/{id}/jobs (hold): "+string(at))
	}
	slices.Sort(owner)
	slices.Sort(want)
	if diff := cmp.Diff(want, owner); diff != "" {
		t.Errorf("an owner may (-want +got):\n%s", diff)
	}
}
