package enroll_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/identity"
)

const home = "198.51.100.7"

// drawn draws a device's claim code as an operator who never sees the device.
func (r *rig) drawn(device identity.DeviceID) string {
	r.tb.Helper()
	drawn, err := r.DrawClaimCode(r.tb.Context(), holding("olga", identity.Operator, "/"), string(device), 0)
	check(r.tb, err)
	return drawn.Code
}

// started starts a claim over the device's own certificate.
func (r *rig) started(issued enroll.Issued) enroll.StartedClaim {
	r.tb.Helper()
	p, err := r.CertificatePrincipal(r.tb.Context(), issued.DER)
	check(r.tb, err)
	claim, err := r.StartClaim(r.tb.Context(), p)
	check(r.tb, err)
	return claim
}

func (r *rig) claimState(issued enroll.Issued, id string) enroll.ClaimState {
	r.tb.Helper()
	state, err := r.ClaimStateOf(r.tb.Context(), identity.Principal{Kind: identity.Certificate, Device: issued.Device}, id)
	check(r.tb, err)
	return state
}

func TestClaimByCodeFromTheLine(t *testing.T) {
	r := newRig(t)
	issued, bob := r.devices(1)[0], person("bob")
	code := r.drawn(issued.Device)
	if !regexp.MustCompile(`^tmcl_[0-9a-v]{26}$`).MatchString(code) {
		t.Fatalf("the code is %q", code)
	}
	if event := r.last(enroll.ClaimCodeDrawn); event.Device != issued.Device || !event.NotAfter.Equal(r.clock.Now().Add(enroll.ClaimCodeLifetime)) {
		t.Errorf("recorded as %+v", event)
	}
	shown, err := r.LookUpClaim(t.Context(), bob, code, home)
	check(t, err)
	if shown.Device != issued.Device || shown.ByDevice {
		t.Errorf("it opens %+v", shown)
	}
	wantCode(t, r.DenyClaim(t.Context(), bob, code, home), enroll.WrongState)
	if r.device(issued.Device).Owner != "" {
		t.Fatal("looking made somebody the owner")
	}
	info, err := r.ConfirmClaim(t.Context(), bob, " "+strings.ToUpper(code)+" ", home)
	check(t, err)
	event := r.last(enroll.OwnerChanged)
	if event.For != info.Owner || event.Actor != info.Owner || event.Operation != "claim.code" {
		t.Errorf("recorded as %+v", event)
	}
	if got := r.owned(bob); len(got) != 1 {
		t.Errorf("bob is shown %v", got)
	}
	for name, p := range map[string]identity.Principal{"again": bob, "by another": person("eve")} {
		if _, err := r.ConfirmClaim(t.Context(), p, code, home); err == nil {
			t.Errorf("the code was used %s", name)
		}
	}
	check(t, r.ReleaseOwner(t.Context(), bob, string(issued.Device), ""))
	_, err = r.ConfirmClaim(t.Context(), person("eve"), code, home)
	wantCode(t, err, enroll.NotFound)
}

func TestClaimStartedByTheDevice(t *testing.T) {
	r := newRig(t)
	issued, bob := r.devices(2), person("bob")
	claim := r.started(issued[0])
	if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(claim.UserCode) {
		t.Fatalf("the code is %q", claim.UserCode)
	}
	if state := r.claimState(issued[0], claim.ID); state != enroll.ClaimWaiting {
		t.Errorf("it is %s", state)
	}
	_, err := r.ClaimStateOf(t.Context(), identity.Principal{Kind: identity.Certificate, Device: issued[1].Device}, claim.ID)
	wantCode(t, err, enroll.NotFound)
	shown, err := r.LookUpClaim(t.Context(), bob, strings.ToLower(strings.ReplaceAll(claim.UserCode, "-", "")), home)
	check(t, err)
	if shown.Device != issued[0].Device || !shown.ByDevice || !shown.ExpiresAt.Equal(claim.ExpiresAt) {
		t.Errorf("it opens %+v", shown)
	}
	_, err = r.ConfirmClaim(t.Context(), bob, claim.UserCode, home)
	check(t, err)
	if state := r.claimState(issued[0], claim.ID); state != enroll.ClaimConfirmed {
		t.Errorf("it is %s", state)
	}
	_, err = r.ConfirmClaim(t.Context(), person("eve"), claim.UserCode, home)
	wantCode(t, err, enroll.NotFound)
	_, err = r.StartClaim(t.Context(), identity.Principal{Kind: identity.Certificate, Device: issued[0].Device})
	wantCode(t, err, enroll.Conflict)

	denied := r.started(issued[1])
	check(t, r.DenyClaim(t.Context(), bob, denied.UserCode, home))
	if state := r.claimState(issued[1], denied.ID); state != enroll.ClaimRefused {
		t.Errorf("it is %s", state)
	}
	if event := r.last(enroll.ClaimDenied); event.About != denied.ID || event.Device != issued[1].Device {
		t.Errorf("recorded as %+v", event)
	}
	_, err = r.ConfirmClaim(t.Context(), bob, denied.UserCode, home)
	wantCode(t, err, enroll.NotFound)
}

func TestClaimsExpireAndAreMadeAnew(t *testing.T) {
	r := newRig(t)
	issued, bob := r.devices(1)[0], person("bob")
	claim := r.started(issued)
	device := identity.Principal{Kind: identity.Certificate, Device: issued.Device}
	_, err := r.StartClaim(t.Context(), device)
	wantCode(t, err, enroll.RateLimited)
	r.clock.advance(time.Minute)
	again, err := r.StartClaim(t.Context(), device)
	check(t, err)
	_, err = r.ConfirmClaim(t.Context(), bob, claim.UserCode, home)
	wantCode(t, err, enroll.NotFound)
	_, err = r.ClaimStateOf(t.Context(), device, claim.ID)
	wantCode(t, err, enroll.NotFound)
	r.clock.advance(enroll.ClaimLifetime)
	_, err = r.ConfirmClaim(t.Context(), bob, again.UserCode, home)
	wantCode(t, err, enroll.NotFound)
	if state := r.claimState(issued, again.ID); state != enroll.ClaimExpired {
		t.Errorf("it is %s", state)
	}
	first := r.drawn(issued.Device)
	second := r.drawn(issued.Device)
	_, err = r.LookUpClaim(t.Context(), bob, first, home)
	wantCode(t, err, enroll.NotFound)
	r.clock.advance(enroll.ClaimCodeLifetime)
	_, err = r.LookUpClaim(t.Context(), bob, second, home)
	wantCode(t, err, enroll.NotFound)

	_, err = r.DrawClaimCode(t.Context(), r.admin, string(issued.Device), time.Second)
	wantCode(t, err, enroll.BadRequest)
	_, err = r.DrawClaimCode(t.Context(), r.admin, string(issued.Device), 91*24*time.Hour)
	wantCode(t, err, enroll.BadRequest)
	brief, err := r.DrawClaimCode(t.Context(), r.admin, string(issued.Device), time.Minute)
	check(t, err)
	r.clock.advance(time.Minute)
	_, err = r.LookUpClaim(t.Context(), bob, brief.Code, home)
	wantCode(t, err, enroll.NotFound)
}

// Ten wrong codes, and a person waits wherever they are; and so does whoever comes
// from there. A right one in between forgives nothing.
func TestGuessersOfClaimCodesWait(t *testing.T) {
	r := newRig(t)
	issued := r.devices(2)
	eve, bob := person("eve"), person("bob")
	hers, his := r.drawn(issued[0].Device), r.started(issued[1]).UserCode
	for i := range 10 {
		guess := r.LookUpClaim
		_, err := guess(t.Context(), eve, "BCDF-GHJ"+userCodeLetters[i:i+1], home)
		wantCode(t, err, enroll.NotFound)
		if i == 4 {
			_, err := r.LookUpClaim(t.Context(), eve, hers, home)
			check(t, err)
		}
	}
	_, err := r.ConfirmClaim(t.Context(), eve, his, "203.0.113.9")
	wantCode(t, err, enroll.RateLimited)
	wantCode(t, r.DenyClaim(t.Context(), eve, his, "203.0.113.9"), enroll.RateLimited)
	_, err = r.LookUpClaim(t.Context(), bob, his, home)
	wantCode(t, err, enroll.RateLimited)
	_, err = r.LookUpClaim(t.Context(), bob, his, "203.0.113.9")
	check(t, err)
	r.clock.advance(time.Minute)
	_, err = r.LookUpClaim(t.Context(), eve, hers, home)
	check(t, err)
	refused := 0
	for _, event := range r.log() {
		if event.Kind == enroll.RequestRefused && event.Operation == "claim.look_up" {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("%d of 10 guesses are recorded", refused)
	}
}

const userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"

func TestWhatCannotBeClaimed(t *testing.T) {
	for name, c := range map[string]struct {
		make func(r *rig, d identity.DeviceID)
		want enroll.Code
	}{
		"owned":      {func(r *rig, d identity.DeviceID) { r.give(d, person("ann")) }, enroll.NotFound}, // which voids the code
		"a group's":  {func(r *rig, d identity.DeviceID) { r.giveGroup(d, "kitchen") }, enroll.NotFound},
		"held":       {func(r *rig, d identity.DeviceID) { r.act(d, identity.Hold, "") }, enroll.WrongState},
		"revoked":    {func(r *rig, d identity.DeviceID) { r.act(d, identity.Revoke, "") }, enroll.WrongState},
		"retired":    {func(r *rig, d identity.DeviceID) { r.act(d, identity.Retire, "") }, enroll.WrongState},
		"one's code": {func(*rig, identity.DeviceID) {}, enroll.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			issued := r.devices(1)[0]
			code := r.drawn(issued.Device)
			started := r.started(issued)
			c.make(r, issued.Device)
			if name == "one's code" {
				code, started.UserCode = "tmcl_0123456789abcdefghijklmnop", "ZZZZ-ZZZZ"
			}
			owner := r.device(issued.Device).Owner
			for _, code := range []string{code, started.UserCode} {
				_, err := r.ConfirmClaim(t.Context(), person("eve"), code, home)
				wantCode(t, err, c.want)
			}
			if got := r.device(issued.Device).Owner; got != owner {
				t.Errorf("it belongs to %q now, was %q", got, owner)
			}
		})
	}
}

func (r *rig) giveGroup(d identity.DeviceID, group string) {
	r.tb.Helper()
	_, err := r.AssignOwner(r.tb.Context(), r.admin, string(d), enroll.NewOwner{Group: ptr(groupOf(group))})
	check(r.tb, err)
}

// A device of a group is claimed by one of the group.
func TestClaimWithinAGroup(t *testing.T) {
	r := newRig(t)
	issued := r.devices(1)[0]
	r.giveGroup(issued.Device, "kitchen")
	code := r.drawn(issued.Device)
	_, err := r.ConfirmClaim(t.Context(), person("eve", "garden"), code, home)
	wantCode(t, err, enroll.Conflict)
	info, err := r.ConfirmClaim(t.Context(), person("ann", "kitchen"), code, home)
	check(t, err)
	if info.OwnerGroup != groupOf("kitchen") || info.Owner == "" {
		t.Errorf("it belongs to %q and %q", info.Owner, info.OwnerGroup)
	}
	_, err = r.DrawClaimCode(t.Context(), r.admin, string(issued.Device), 0)
	wantCode(t, err, enroll.Conflict)
}

func TestOneOfManyClaimsTheDevice(t *testing.T) {
	r := newRig(t)
	issued := r.devices(1)[0]
	codes := []string{r.drawn(issued.Device), r.started(issued).UserCode}
	var mu sync.Mutex // guards winners
	winners := map[string]bool{}
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			info, err := r.ConfirmClaim(t.Context(), person(serialOf(i)), codes[i%2], serialOf(i))
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				winners[info.Owner] = true
			}
		})
	}
	group.Wait()
	if len(winners) != 1 || !winners[r.device(issued.Device).Owner] {
		t.Errorf("the device says %q, and these were told that it is theirs: %v", r.device(issued.Device).Owner, winners)
	}
	if n := r.count(enroll.OwnerChanged); n != 1 {
		t.Errorf("it changed its owner %d times", n)
	}
}
