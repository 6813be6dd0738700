package enroll

import (
	"context"
	"crypto"
	"errors"

	"github.com/touchmark/touchmark/ca"
)

// maxRejudged bounds how often a request is signed again because what it relied
// on changed under way.
const maxRejudged = 3

// Issue takes a request down the one path. It returns a certificate that is
// recorded, new or recalled, or a Refusal.
func (s *Service) Issue(ctx context.Context, req Request) (issued Issued, err error) {
	done := s.watch(StepIssue)
	defer func() { done(err) }()

	request, err := s.open(req)
	if err != nil {
		return Issued{}, err
	}
	defer func() {
		if err != nil {
			request.made.Erase()
		}
	}()
	for range maxRejudged {
		said, err := s.judgeNow(ctx, request)
		if err != nil {
			return Issued{}, err
		}
		var signed *ca.Signed
		if said.plan != nil {
			if err := s.mayIssue(request); err != nil {
				return Issued{}, err
			}
			if err := s.makeKey(ctx, request); err != nil {
				return Issued{}, err
			}
			if signed, err = s.sign(ctx, said.plan, request); err != nil {
				return Issued{}, err
			}
		}
		if said.recalled == nil && (said.waiting == nil || said.asking != nil) {
			if said, err = s.record(ctx, request, signed, said.plan); err != nil {
				return Issued{}, err
			}
		}
		switch {
		case said.refusal != nil:
			return Issued{}, s.refused(request, said)
		case said.waiting != nil:
			return Issued{}, &Waiting{Approval: *said.waiting, RetryAfter: approvalRetry}
		case said.recalled != nil:
			s.observer.Count(CountRecalled, 1)
			return s.release(*said.recalled, true), nil
		case said.recorded != nil:
			s.admitted(request)
			s.afterIssue(said.recorded, said.ended)
			issued = s.release(*said.recorded, false)
			issued.Made = request.made
			return issued, nil
		}
	}
	return Issued{}, Refuse(Conflict, "what this request relies on keeps changing; try again")
}

// opened is a request that was parsed. Where its CSR is no good, fault says so;
// callers who have not proved who they are do not get that far.
type opened struct {
	Request
	public crypto.PublicKey // what is to be certified; until it is made, one of its kind
	key    ca.KeyHash       // of public; zero until it is made
	asked  ca.KeyHash       // of the key in the CSR
	keygen *ca.KeygenRequest
	made   *ca.MadeKey
	shown  ca.Serial // of the certificate that is the evidence, if one is
	fault  *Refusal
	// by is what of the configuration it is judged by, this time.
	by    *live
	alone *bool // whether its refusal stands in an event of its own; nil before it is refused
}

// open turns guessers away and parses the CSR, whose signature proves possession
// of its key.
func (s *Service) open(req Request) (*opened, error) {
	if ticket, ok := req.Evidence.(TicketEvidence); ok {
		if err := s.guesses.check(ticketGuess, req.Source, ticket.User); err != nil {
			return nil, err
		}
	}
	request := &opened{Request: req}
	if current, ok := req.Evidence.(CertificateEvidence); ok {
		var err error
		if request.shown, err = serialOf(current.DER); err != nil {
			s.turnAway(Unauthenticated)
			return nil, err
		}
	}
	if request.fault = req.Fault; request.fault != nil {
		return request, nil
	}
	request.fault = s.parse(request)
	return request, nil
}

// parse reads the CSR, and returns what is wrong with it.
func (s *Service) parse(request *opened) *Refusal {
	var read bound
	var err error
	if request.MakeKey {
		if request.keygen, err = ca.ParseKeygenRequest(request.CSR); err == nil {
			read, request.public, request.asked = request.keygen, request.keygen.Like(), request.keygen.KeyHash()
		}
	} else {
		var csr *ca.CertificateRequest
		if csr, err = ca.ParseCertificateRequest(request.CSR); err == nil {
			read, request.public, request.key, request.asked = csr, csr.PublicKey(), csr.KeyHash(), csr.KeyHash()
		}
	}
	switch {
	case errors.Is(err, ca.ErrWeakKey):
		return Refuse(WeakKey, "%v", err)
	case err != nil:
		return Refuse(BadCSR, "%v", err)
	default:
		return s.binding.check(request.Channel, read)
	}
}

// judgeNow judges on what is recorded now, before anything is signed.
func (s *Service) judgeNow(ctx context.Context, request *opened) (said verdict, err error) {
	done := s.watch(StepProve)
	defer func() { done(err) }()
	err = s.store.View(ctx, func(r Reader) error {
		said, err = s.judge(r, request)
		return err
	})
	return said, err
}

// release makes the answer of a certificate that is recorded. Nothing else does.
func (s *Service) release(recorded Certificate, recalled bool) Issued {
	return Issued{
		Device:      recorded.Device,
		Certificate: recorded,
		Chain:       s.chain(recorded.Issuer),
		Recalled:    recalled,
	}
}

// chain returns an issuer's chain without the root, in DER.
func (s *Service) chain(issuer string) [][]byte {
	var chain [][]byte
	if known := s.live().issuers[issuer]; known != nil {
		for _, certificate := range known.Chain() {
			chain = append(chain, certificate.Raw)
		}
	}
	return chain
}

// refused counts a refusal where it was not recorded, and returns it.
func (s *Service) refused(request *opened, said verdict) error {
	if !said.proven {
		s.turnAway(said.refusal.Code)
		if ticket, ok := request.Evidence.(TicketEvidence); ok {
			s.guesses.wrong(ticketGuess, request.Source, ticket.User)
		}
	}
	said.refusal.recorded = said.proven
	return said.refusal
}

// admitted forgets the wrong guesses of whoever got in.
func (s *Service) admitted(request *opened) {
	if ticket, ok := request.Evidence.(TicketEvidence); ok {
		s.guesses.right(ticketGuess, request.Source, ticket.User)
	}
}

// afterIssue tells those who need to know, once the fact is durable.
func (s *Service) afterIssue(recorded *Certificate, ended []ca.Serial) {
	s.observer.Count(CountIssued, 1)
	s.splits.issued(ShardKey{Issuer: recorded.Issuer, Shard: recorded.Shard})
	s.tellWithdrawn(ended)
}
