package clientcmd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/touchmark/touchmark/api/client"
	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/enroll"
	"github.com/touchmark/touchmark/oidc"
)

// does is how every command runs: what it returns is told in the program's words.
func (a *app) does(f func(command *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, args []string) error { return a.explain(command, f(command, args)) }
}

// connected is does for what needs a server.
func (a *app) connected(f func(command *cobra.Command, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return a.does(func(command *cobra.Command, args []string) error {
		c, err := a.connect(a.token)
		if err != nil {
			return err
		}
		return f(command, c, args)
	})
}

// explain turns err into what a person can act on: what is wrong, where, and what
// to do. It keeps the code, from which the exit code follows.
func (a *app) explain(command *cobra.Command, err error) error {
	var refused *problem.Problem
	var usage usageError
	var untrusted *tls.CertificateVerificationError
	var network *net.OpError
	if w := asWaiting(err); w != nil {
		return a.waits(command, w)
	}
	switch {
	case errors.As(err, &usage):
		return a.Wrong(command, "%v", usage)
	case errors.As(err, &untrusted):
		return fmt.Errorf("%s cannot be trusted: %w; name the file with its root by --ca, such as pki/corporate-root.crt of quickstart", a.server, untrusted.Err)
	case errors.Is(err, client.ErrUnreachable):
		return refuse(enroll.Unavailable, "no answer from %s: %w; is it running, and is --server right?", a.server, cause(err))
	case errors.As(err, &refused):
		return a.refused(command, refused)
	case errors.Is(err, oidc.ErrSignInAgain):
		return refuse(enroll.Unauthenticated, "%w", err)
	case errors.As(err, &network):
		return refuse(enroll.Unavailable, "%w", err)
	default:
		return err
	}
}

// cause is what went wrong below an HTTP request, without its address.
func cause(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}

// refused tells the server's no.
func (a *app) refused(command *cobra.Command, p *problem.Problem) error {
	if p.Code == enroll.BadRequest || p.Code == enroll.TooLarge {
		return a.Wrong(command, "%s", faultsIn(command, p))
	}
	return refuse(p.Code, "%s", refusedText(p))
}

// refusal is an error with one of enroll's codes and a text for people.
type refusal struct {
	error
	code *enroll.Refusal
}

// Unwrap returns both: the code, and what was wrong below.
func (r refusal) Unwrap() []error { return []error{r.code, r.error} }

func refuse(code enroll.Code, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return refusal{error: err, code: &enroll.Refusal{Code: code, Message: err.Error()}}
}

func refusedText(p *problem.Problem) string {
	detail := harmless(p.Detail)
	if p.Code == enroll.Unauthenticated {
		detail += "; run touchmark login, or name the file with a token by --token-file"
	}
	told := string(p.Code)
	if p.RequestID != "" {
		told += ", request " + harmless(p.RequestID)
	}
	if p.RetryAfter > 0 {
		told += ", try again in " + p.RetryAfter.String()
	}
	return fmt.Sprintf("%s (%s)", detail, told)
}

// faultsIn says what is wrong with the values of a request, each by the flag that
// it was given with.
func faultsIn(command *cobra.Command, p *problem.Problem) string {
	if len(p.Errors) == 0 {
		return flagOf(command, p.Field) + harmless(p.Detail)
	}
	var lines []string
	for _, fault := range p.Errors {
		where := flagOf(command, fault.Field)
		if where == "" && fault.Field != "" { // within a file
			where = harmless(fault.Field) + ": "
		}
		lines = append(lines, where+harmless(fault.Detail))
	}
	return strings.Join(lines, "\n")
}

// flagOf returns "--expiring-before: " for expiring_before, and nothing where the
// command has no such flag.
func flagOf(command *cobra.Command, field string) string {
	name, rest, inside := strings.Cut(strings.TrimPrefix(field, "body."), "[")
	name = strings.ReplaceAll(name, "_", "-")
	if name == "" || command.Flags().Lookup(name) == nil {
		return ""
	}
	if inside {
		name += "[" + rest
	}
	return "--" + name + ": "
}
