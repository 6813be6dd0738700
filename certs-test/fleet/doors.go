package fleet

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/touchmark/touchmark/api/client"
)

const (
	defaultPatience = 10 * time.Second
	// maxAnswer bounds an answer, in bytes; CRLs and parts of the log are the
	// longest.
	maxAnswer = 16 << 20
)

// doors are the ways into a site.
type doors struct {
	site      *Site
	patience  time.Duration
	devices   *http.Client // without a client certificate
	public    *http.Client
	operators []*client.Client // by node
}

func openDoors(site *Site, patience time.Duration) (*doors, error) {
	d := &doors{
		site: site, patience: patience,
		devices: newHTTPClient(&tls.Config{RootCAs: site.Roots, MinVersion: tls.VersionTLS13}, patience),
		public:  newHTTPClient(nil, patience),
	}
	for _, node := range site.Nodes {
		operator, err := client.New(client.Config{
			Server: "https://" + node.API, CAFile: site.RootFile,
			Token: func(context.Context) (string, error) { return site.Token, nil },
		})
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", node.API, err)
		}
		d.operators = append(d.operators, operator)
	}
	return d, nil
}

func newHTTPClient(trust *tls.Config, patience time.Duration) *http.Client {
	return &http.Client{
		Timeout:   patience,
		Transport: &http.Transport{TLSClientConfig: trust, MaxIdleConnsPerHost: 64},
	}
}

// close lets go of the connections.
func (d *doors) close() {
	d.devices.CloseIdleConnections()
	d.public.CloseIdleConnections()
}

// exchange sends a request and reads the answer.
func exchange(by *http.Client, request *http.Request) (status int, body []byte, err error) {
	answer, err := by.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errOpen, err)
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("%w: the answer broke off: %w", errOpen, err)
	case len(body) > maxAnswer:
		return 0, nil, fmt.Errorf("%s: an answer of more than %d bytes", request.URL, maxAnswer)
	}
	return answer.StatusCode, body, nil
}
