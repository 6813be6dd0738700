package enroll_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/touchmark/touchmark/enroll"
)

// guess is a well-formed text that opens nothing: of a token that there is, or not.
func guess(tb testing.TB, id enroll.TokenID, secret byte) string {
	tb.Helper()
	text := "tmst_" + string(id) + strings.Repeat(string(secret), 26)
	return text + enroll.TokenChecksum(text)
}

func TestTokenText(t *testing.T) {
	r := newTokenRig(t)
	text := r.token(r.admin).Text
	if id, ok := enroll.TokenIDOf(text); !ok || !enroll.IsScopedToken(text) || len(text) != 54 || id != enroll.TokenID(text[5:21]) {
		t.Fatalf("%s has the id %q, %v", text, id, ok)
	}
	if enroll.IsScopedToken("tmbg_" + text[5:]) {
		t.Error("another prefix is taken for a scoped token's")
	}
	// Each character counts, and where it stands.
	for i := range len(text) {
		for _, c := range []byte("0v") {
			wrong := []byte(text)
			wrong[i] = c
			if _, ok := enroll.TokenIDOf(string(wrong)); ok && text[i] != c {
				t.Errorf("%s is taken for %s", wrong, text)
			}
		}
		if i == 0 || text[i] == text[i-1] {
			continue
		}
		swapped := []byte(text)
		swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
		if _, ok := enroll.TokenIDOf(string(swapped)); ok {
			t.Errorf("%s is taken for %s", swapped, text)
		}
	}
	for _, wrong := range []string{"", "tmst_", text[:53], text + "0", strings.ToUpper(text), " " + text} {
		if _, ok := enroll.TokenIDOf(wrong); ok {
			t.Errorf("%q is a token", wrong)
		}
	}
}

func FuzzTokenText(f *testing.F) {
	r := newTokenRig(f)
	made := r.token(r.admin)
	f.Add(made.Text)
	f.Add("tmst_")
	f.Add(made.Text[:53] + "w")
	f.Add(strings.Repeat("\xff", 54))
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := enroll.TokenIDOf(text)
		if ok && (len(text) != 54 || text != "tmst_"+string(id)+text[21:47]+enroll.TokenChecksum(text[:47])) {
			t.Errorf("%q has the id %q, and is not written so", text, id)
		}
		p, err := r.TokenPrincipal(t.Context(), text, "192.0.2.1")
		var refusal *enroll.Refusal
		if (err == nil) != (text == made.Text) || err == nil && p.Token != string(made.ID) || err != nil && !errors.As(err, &refusal) {
			t.Errorf("%q is %+v, %v", text, p, err)
		}
	})
}

// A mistyped text is told so, and is no guess; a guess is not told how near it was.
func TestTokenGuessesAreLockedOut(t *testing.T) {
	r := newTokenRig(t)
	made := r.token(r.admin)
	var told []string
	say := func(text string) enroll.Code {
		_, err := r.show(text)
		refusal := enroll.AsRefusal(err)
		told = append(told, refusal.Message)
		return refusal.Code
	}
	for i := range 30 {
		if code := say(made.Text[:53] + string("1234567"[i%7])); code != enroll.Unauthenticated {
			t.Fatalf("mistyped for the %dth time it is %s", i+1, code)
		}
	}
	r.holder(made)
	told = nil
	for range 10 {
		if code := say(guess(t, made.ID, '0')); code != enroll.Unauthenticated {
			t.Fatal(code)
		}
	}
	say(guess(t, "0000000000000000", '0'))
	if told = slices.Compact(told); len(told) != 1 {
		t.Errorf("a guesser is told %q", told)
	}
	if code := say(made.Text); code != enroll.RateLimited {
		t.Errorf("after ten guesses the right text is %s", code)
	}
	_, err := r.TokenPrincipal(t.Context(), made.Text, "192.0.2.31")
	check(t, err) // from elsewhere nobody is locked out
	other := r.token(r.admin)
	r.holder(other) // nor is another token
	r.clock.advance(30 * time.Second)
	r.holder(made)
	if n := r.count(enroll.RequestRefused); n != 0 {
		t.Errorf("%d refusals of nobody in the log, one by one", n)
	}
}

// Whoever tries many names has to wait too, all of a network. Who showed the right
// token from there goes on.
func TestGuessesAtManyNames(t *testing.T) {
	r := newTokenRig(t)
	made, unseen := r.token(r.admin), r.token(r.admin)
	show := func(text, source string) error {
		_, err := r.TokenPrincipal(t.Context(), text, source)
		return err
	}
	address := func(i int) string { return fmt.Sprintf("2001:db8:1:2::%x", i+1) }
	check(t, show(made.Text, address(0)))
	for i := range 100 {
		id := enroll.TokenID(fmt.Sprintf("%016d", i))
		wantCode(t, show(guess(t, id, '0'), address(i)), enroll.Unauthenticated)
	}
	for _, text := range []string{unseen.Text, guess(t, "1111111111111111", '0')} {
		err := show(text, address(200))
		wantCode(t, err, enroll.RateLimited)
		if wait := enroll.AsRefusal(err).RetryAfter; wait != 9*time.Second {
			t.Errorf("it has to wait %s", wait)
		}
	}
	check(t, show(made.Text, address(0)))
	check(t, show(unseen.Text, "2001:db8:1:3::1"))
	wantCode(t, show(guess(t, "1111111111111111", '0'), "192.0.2.1"), enroll.Unauthenticated)

	// One more each nine seconds; what is right uses up nothing.
	for i := range 3 {
		r.clock.advance(9 * time.Second)
		check(t, show(unseen.Text, address(300+i)))
		id := enroll.TokenID(fmt.Sprintf("2%015d", i))
		wantCode(t, show(guess(t, id, '0'), address(400)), enroll.Unauthenticated)
		wantCode(t, show(unseen.Text, address(500)), enroll.RateLimited)
	}
	r.clock.advance(15 * time.Minute)
	check(t, show(unseen.Text, address(500)))

	// Tickets are by name alone: a line with old tickets does not stop itself.
	ticket := r.ticket(r.berlin, "SN-right")
	show = func(serial, secret string) error {
		_, err := r.enrol(serial, secret, newKey(t))
		return err
	}
	for i := range 200 {
		wantCode(t, show(serialOf(i), "guess"), enroll.Unauthenticated)
	}
	check(t, show("SN-right", ticket))
	_, err := r.TokenPrincipal(t.Context(), unseen.Text, "192.0.2.1")
	check(t, err)
}

// When a token was last used is known at once here, and written now and then; that it
// cannot be written fails no call.
func TestTokenLastUse(t *testing.T) {
	r := newTokenRig(t)
	made := r.token(r.admin)
	used := func(s *enroll.Service) time.Time {
		info, err := s.Token(t.Context(), r.admin, string(made.ID))
		check(t, err)
		return info.LastUsed
	}
	written := func() (data string) {
		check(t, r.store.View(t.Context(), func(reader enroll.Reader) error {
			document, err := reader.Document(enroll.TokenUseDocument, string(made.ID))
			if data = string(document); errors.Is(err, enroll.ErrNotFound) {
				err = nil
			}
			return err
		}))
		return data
	}
	if !used(r.Service).IsZero() {
		t.Error("it was used before it was")
	}
	_, _ = r.show(guess(t, made.ID, '0'))
	if !used(r.Service).IsZero() {
		t.Error("a guess is a use")
	}
	r.holder(made)
	first := r.clock.Now()
	if !used(r.Service).Equal(first) || written() != "" {
		t.Errorf("used %s, written %s", used(r.Service), written())
	}
	check(t, r.RecordUses(t.Context()))
	before := written()
	r.clock.advance(15*time.Minute - time.Millisecond)
	r.holder(made)
	check(t, r.RecordUses(t.Context()))
	if written() != before || before == "" || !used(r.Service).Equal(r.clock.Now()) {
		t.Errorf("used %s, written %s after %s", used(r.Service), written(), before)
	}

	// Another node knows what is written, and does not write what is known.
	other := newTokenRigOn(t, r)
	if !used(other.Service).Equal(first) {
		t.Errorf("another node says %s", used(other.Service))
	}
	_, err := other.TokenPrincipal(t.Context(), made.Text, "192.0.2.1")
	check(t, err)
	check(t, other.RecordUses(t.Context()))
	if written() != before {
		t.Error("another node writes again within a quarter of an hour")
	}
	r.clock.advance(time.Millisecond)
	r.holder(made)
	check(t, r.RecordUses(t.Context()))
	if written() == before {
		t.Error("the use after a quarter of an hour is not written")
	}

	// A use of what is gone leaves nothing.
	r.clock.advance(time.Hour)
	r.holder(made)
	_, err = other.RevokeToken(t.Context(), r.admin, string(made.ID))
	check(t, err)
	check(t, r.RecordUses(t.Context()))
	if written() != "" {
		t.Error("a use of a revoked token is written")
	}
}

// newTokenRigOn is another node on the store and the clock of r.
func newTokenRigOn(t *testing.T, r *tokenRig) *tokenRig {
	t.Helper()
	other := &tokenRig{rig: newRigOn(t, r.store, r.path, r.issuer, func(c *enroll.Config) {
		c.Standing, c.Clock = standing, r.clock.Now
	})}
	return other
}

// A name counts once, however often it is tried: an old token that nobody changed
// keeps nobody else out.
func TestOldTokenKeepsNobodyOut(t *testing.T) {
	r := newTokenRig(t)
	made := r.token(r.admin)
	for i := range 198 {
		id := enroll.TokenID(fmt.Sprintf("%016d", i/9))
		_, err := r.show(guess(t, id, '0'))
		wantCode(t, err, enroll.Unauthenticated)
	}
	r.holder(made)
}
