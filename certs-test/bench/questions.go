package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/touchmark/touchmark/certs-test/bench/contender"
	"github.com/touchmark/touchmark/certs-test/bench/load"
)

// question is an OCSP request for a certificate of the contender, POSTed.
func (e *entrant) question(serial *big.Int) ([]byte, error) {
	issuer, err := x509.ParseCertificate(e.Issuer())
	if err != nil {
		return nil, err
	}
	request, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: serial}, issuer, nil)
	return load.Post("/ocsp", request, false, "Content-Type: application/ocsp-request"), err
}

// populate enrols n devices, unmeasured, and keeps an OCSP request for each as a
// cold one. The floor calls every serial number good, so it is spared the work.
func (e *entrant) populate(ctx context.Context, n int) error {
	const part = 5000
	for made := 0; made < n; made += part {
		identities, err := contender.NewIdentities(fmt.Sprintf("cold%d", made), min(part, n-made))
		if err != nil {
			return err
		}
		l, err := e.enrolment(ctx, identities, true)
		if err != nil {
			return err
		}
		l.Concurrency, l.For = 64, time.Hour
		l.Begin, l.End = func() error { return nil }, func(answers int) error { return e.Settle(ctx, contender.Enrol, answers) }
		result, err := load.Run(ctx, l)
		if err != nil {
			return err
		}
		for _, body := range result.Bodies {
			if err := e.addCold(body); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *entrant) addCold(body []byte) error {
	der, err := e.Certificate(body)
	if err != nil {
		return err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	request, err := e.question(certificate.SerialNumber)
	e.cold = append(e.cold, request)
	return err
}

// inventCold makes cold requests for n random serial numbers.
func (e *entrant) inventCold(n int) error {
	for range n {
		number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
		if err != nil {
			return err
		}
		request, err := e.question(number)
		if err != nil {
			return err
		}
		e.cold = append(e.cold, request)
	}
	return nil
}

// heat makes hot requests of the pool's certificates, at most n.
func (e *entrant) heat(n int) error {
	for _, identity := range e.pool[:min(n, len(e.pool))] {
		certificate, err := x509.ParseCertificate(identity.Certificate)
		if err != nil {
			return err
		}
		request, err := e.question(certificate.SerialNumber)
		if err != nil {
			return err
		}
		e.hot = append(e.hot, request)
	}
	return nil
}

// checkAnswers makes sure that OCSP answers say good.
func checkAnswers(bodies [][]byte) error {
	for _, body := range bodies {
		if body == nil {
			continue
		}
		answer, err := ocsp.ParseResponse(body, nil)
		if err != nil {
			return err
		}
		if answer.Status != ocsp.Good {
			return errors.New("an OCSP answer is not good")
		}
		return nil // one tells enough: checking all would take longer than the benchmark
	}
	return nil
}
