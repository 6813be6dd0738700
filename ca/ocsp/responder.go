package ocsp

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/touchmark/touchmark/ca"
)

// Defaults and bounds of a [Config].
const (
	DefaultValidity   = time.Hour
	MinValidity       = time.Minute
	MaxValidity       = 7 * 24 * time.Hour
	DefaultCacheBytes = 64 << 20 // some 40,000 answers

	maxAttempts = 16 // at an answer whose status keeps changing
	dropBatch   = 1024
)

var (
	// ErrUnauthorized means that the request is about an issuer that is not ours,
	// or about several. The answer is unauthorized.
	ErrUnauthorized = errors.New("not authorised to answer for this issuer")
	// ErrTryLater means that the status, or a certificate to sign with, cannot be
	// had now. The answer is tryLater.
	ErrTryLater = errors.New("OCSP status is not available now")
	// ErrInternal means that an answer could not be made. The answer is
	// internalError.
	ErrInternal = errors.New("OCSP answer could not be made")
)

// Status is what is known of a serial number.
type Status struct {
	// Known is whether a certificate of that serial number was ever issued; the
	// rest counts only then. An expired certificate stays known as long as the
	// record of it.
	Known bool
	// IssuerID is [ca.Issuer.ID] of its issuer.
	IssuerID string
	// Revoked also holds for a certificate on hold, with the reason
	// [ca.CertificateHold].
	Revoked   bool
	RevokedAt time.Time
	Reason    ca.Reason
}

// Config is what a [Responder] is made of.
type Config struct {
	// Issuers returns the issuers whose certificates may still be asked about.
	// It is called for every answer that is signed, and must be quick and safe
	// for concurrent use. Required.
	Issuers func() []*ca.Issuer
	// Lookup returns the status of a serial number, as it is at some time during
	// the call. It is called concurrently. An error is answered with tryLater.
	// Required.
	Lookup func(ctx context.Context, serial ca.Serial) (Status, error)
	// Certify signs a responder certificate ([ca.PurposeOCSPResponder]) for a
	// key, records it, and returns its DER. It is called once at a time for each
	// issuer, within the request of whoever first needs the certificate; that
	// request's context is its ctx. Required.
	Certify func(ctx context.Context, issuerID string, key crypto.PublicKey) (der []byte, err error)
	// CaughtUp reports whether Drop was told of all that changed. Where it was not,
	// only what is revoked is answered from the cache, and the rest looked up. It is
	// called for every request and may take a moment to catch up. Nil is always true.
	CaughtUp func(ctx context.Context) bool
	// Clock tells the time; time.Now if nil. Span, if not nil, tells it instead, where
	// there are two answers to what time it is: the earlier first. Answers, and the
	// certificates that they are signed with, are good at both, and none is kept that
	// is of the future of the earlier one or past the end at the later one.
	Clock func() time.Time
	Span  func() (earliest, latest time.Time)
	// Log takes one line for each responder certificate; none if nil.
	Log *slog.Logger
	// Validity is from an answer's thisUpdate to its nextUpdate: a minute to a
	// week, an hour if zero. Relying parties may keep an answer for so long, and
	// so may caches on the way, whatever is revoked here. An answer ends sooner
	// with the responder's certificate.
	Validity time.Duration
	// CacheBytes bounds the cache of answers, 64 MiB if zero; negative is none.
	CacheBytes int64
}

// Response is an answer.
type Response struct {
	// DER is the OCSPResponse. It may be shared with other callers and must not
	// be changed.
	DER []byte
	// ThisUpdate and NextUpdate bound its validity, in UTC; zero for an answer
	// that is an error.
	ThisUpdate, NextUpdate time.Time
	// Cacheable is whether HTTP caches may keep the answer until NextUpdate: no
	// nonce, no error, and no serial number that is unknown now and may be issued
	// in a moment.
	Cacheable bool

	revoked bool // all that it tells of is
}

// Responder answers OCSP requests. It is safe for concurrent use and starts no
// goroutines.
type Responder struct {
	config    Config
	delegates *delegates
	cache     *cache
}

// New checks the configuration, fills in defaults, and touches nothing yet.
func New(config Config) (*Responder, error) {
	if config.Issuers == nil || config.Lookup == nil || config.Certify == nil {
		return nil, errors.New("ocsp: Issuers, Lookup and Certify are required")
	}
	if config.Validity == 0 {
		config.Validity = DefaultValidity
	}
	if config.Validity < MinValidity || config.Validity > MaxValidity {
		return nil, fmt.Errorf("ocsp: validity %s must be from %s to %s", config.Validity, MinValidity, MaxValidity)
	}
	if config.CacheBytes == 0 {
		config.CacheBytes = DefaultCacheBytes
	}
	if config.CaughtUp == nil {
		config.CaughtUp = func(context.Context) bool { return true }
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	if config.Span == nil {
		config.Span = func() (earliest, latest time.Time) {
			now := config.Clock()
			return now, now
		}
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Responder{
		config:    config,
		delegates: &delegates{certify: config.Certify, log: config.Log, slots: map[string]*slot{}},
		cache:     newCache(config.CacheBytes),
	}, nil
}

// Respond answers a request in DER. The Response always holds an answer to
// send; beside an error, which wraps [ErrMalformed], [ErrUnauthorized],
// [ErrTryLater] or [ErrInternal], it is the OCSP error of that name.
func (r *Responder) Respond(ctx context.Context, der []byte) (Response, error) {
	var room [1]CertID
	request := Request{CertIDs: room[:0]}
	if err := request.parse(der); err != nil {
		return Response{DER: MalformedRequest()}, err
	}
	if len(request.CertIDs) > 1 || request.Nonce != nil {
		response, err := r.fresh(ctx, &Request{CertIDs: append([]CertID(nil), request.CertIDs...), Nonce: request.Nonce})
		return orError(response, err)
	}
	caughtUp := r.config.CaughtUp(ctx) // before the cache is looked at
	now := r.now()
	response, refresh, kept := r.cache.get(request.CertIDs[0].Raw, now)
	stands := kept && (caughtUp || response.revoked)
	if stands && !refresh {
		return response, nil
	}
	anew, err := r.shared(ctx, &Request{CertIDs: []CertID{request.CertIDs[0]}}, kept)
	if err != nil && refresh {
		response, kept = r.cache.postpone(request.CertIDs[0].Raw, now.to.Add(r.config.Validity/16))
		if kept && stands {
			return response, nil
		}
	}
	return orError(anew, err)
}

// Drop forgets what is known of the serial numbers. Call it after the new
// status is durable and before telling anyone: no request that begins after it
// returns, and no answer that was being made when it was called, shows a status
// that Lookup would no longer return.
func (r *Responder) Drop(serials ...ca.Serial) {
	for len(serials) > 0 { // in batches, so that a mass revocation holds up nobody
		n := min(len(serials), dropBatch)
		r.cache.drop(serials[:n])
		serials = serials[n:]
	}
}

// orError puts the OCSP error that belongs to err in the place of an answer.
func orError(response Response, err error) (Response, error) {
	switch {
	case err == nil:
		return response, nil
	case errors.Is(err, ErrMalformed):
		return Response{DER: MalformedRequest()}, err
	case errors.Is(err, ErrUnauthorized):
		return Response{DER: Unauthorized()}, err
	case errors.Is(err, ErrTryLater):
		return Response{DER: TryLater()}, err
	default:
		return Response{DER: InternalError()}, err
	}
}

// shared lets those who ask the same at the same time wait for one signature;
// anew, also where an answer is kept.
func (r *Responder) shared(ctx context.Context, request *Request, anew bool) (Response, error) {
	key := string(request.CertIDs[0].Raw)
	for {
		flight, leads := r.cache.join(key)
		if leads {
			return r.lead(ctx, request, flight, anew)
		}
		select {
		case <-flight.done:
		case <-ctx.Done():
			return Response{}, fmt.Errorf("%w: %w", ErrTryLater, ctx.Err())
		}
		if isContextError(flight.err) && ctx.Err() == nil {
			continue // the leader gave up; this caller has not
		}
		return flight.response, flight.err
	}
}

func (r *Responder) lead(ctx context.Context, request *Request, f *flight, anew bool) (response Response, err error) {
	raw := request.CertIDs[0].Raw
	err = ErrInternal // should fresh panic, those who wait are not left waiting
	defer func() { r.cache.land(string(raw), f, response, err) }()
	if !anew { // the flight before may have landed since this caller looked
		if kept, _, ok := r.cache.get(raw, r.now()); ok {
			return kept, nil
		}
	}
	return r.fresh(ctx, request)
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// fresh looks up and signs an answer, again if a status was dropped meanwhile.
func (r *Responder) fresh(ctx context.Context, request *Request) (Response, error) {
	issuer, err := r.issuerOf(request.CertIDs)
	if err != nil {
		return Response{}, err
	}
	serials := make([]ca.Serial, 0, len(request.CertIDs))
	for _, id := range request.CertIDs {
		// What is no serial number of ours stays zero: never issued.
		serial, _ := ca.SerialFromBytes(id.Serial)
		serials = append(serials, serial)
	}
	for range maxAttempts {
		response, current, err := r.attempt(ctx, issuer, request, serials)
		if err != nil || current {
			return response, err
		}
	}
	return Response{}, fmt.Errorf("%w: it changed %d times while it was asked for", ErrTryLater, maxAttempts)
}

// issuerOf finds the one issuer that all certIDs name.
func (r *Responder) issuerOf(ids []CertID) (*ca.Issuer, error) {
	for _, issuer := range r.config.Issuers() {
		if !issuer.Matches(ids[0].Hash, ids[0].NameHash, ids[0].KeyHash) {
			continue
		}
		for _, id := range ids[1:] {
			if !issuer.Matches(id.Hash, id.NameHash, id.KeyHash) {
				return nil, fmt.Errorf("%w: certIDs of several issuers in one request; ask for each apart", ErrUnauthorized)
			}
		}
		return issuer, nil
	}
	return nil, ErrUnauthorized
}

// attempt makes an answer once. Unless current, a status was dropped meanwhile
// and the answer must not be used.
func (r *Responder) attempt(ctx context.Context, issuer *ca.Issuer, request *Request, serials []ca.Serial) (response Response, current bool, err error) {
	seen := r.cache.begin(serials)
	var keep *entry
	key := ""
	defer func() { current = r.cache.settle(serials, seen, key, keep) }()

	now := r.now().inSeconds()
	response, err = r.answer(ctx, issuer, request, serials, now)
	if err != nil {
		return Response{}, false, err
	}
	if len(serials) == 1 && request.Nonce == nil {
		key = string(request.CertIDs[0].Raw)
		if response.Cacheable {
			keep = &entry{
				key: key, serial: serials[0], response: response,
				refreshAt: now.to.Add(response.NextUpdate.Sub(now.to) / 2),
			}
		}
	}
	return response, false, nil
}

func (r *Responder) answer(ctx context.Context, issuer *ca.Issuer, request *Request, serials []ca.Serial, now span) (Response, error) {
	delegate, err := r.delegates.get(ctx, issuer, now)
	if err != nil {
		return Response{}, fmt.Errorf("%w: %w", ErrTryLater, err)
	}
	a := answer{certIDs: request.CertIDs, nonce: request.Nonce, thisUpdate: now.from, nextUpdate: now.to.Add(r.config.Validity)}
	if a.nextUpdate.After(delegate.notAfter) {
		a.nextUpdate = delegate.notAfter.UTC()
	}
	cacheable, revoked := request.Nonce == nil, true
	for _, serial := range serials {
		status, err := r.status(ctx, issuer, serial)
		if err != nil {
			return Response{}, fmt.Errorf("%w: %w", ErrTryLater, err)
		}
		cacheable = cacheable && status.Known
		revoked = revoked && status.Revoked
		a.statuses = append(a.statuses, status)
	}
	der, err := a.sign(delegate)
	if err != nil {
		return Response{}, fmt.Errorf("%w: %w", ErrInternal, err)
	}
	return Response{DER: der, ThisUpdate: a.thisUpdate, NextUpdate: a.nextUpdate, Cacheable: cacheable, revoked: revoked}, nil
}

// status is unknown for what this issuer never issued.
func (r *Responder) status(ctx context.Context, issuer *ca.Issuer, serial ca.Serial) (Status, error) {
	if serial.IsZero() {
		return Status{}, nil
	}
	status, err := r.config.Lookup(ctx, serial)
	if err != nil {
		return Status{}, err
	}
	if status.IssuerID != issuer.ID() {
		return Status{}, nil
	}
	return status, nil
}
