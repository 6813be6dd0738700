package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/touchmark/touchmark/api/problem"
	"github.com/touchmark/touchmark/enroll"
)

// call is one request of the API.
type call struct {
	method string
	path   []string // segments below /api/v1, not yet escaped
	query  url.Values
	body   any // nil for none
	// patient calls wait for their answer as long as their context does.
	patient bool
}

// do sends a call and returns an answer with a 2xx status, whose body the caller
// closes, or the refusal, or for 202 a *Waiting.
func (c *Client) do(ctx context.Context, k call) (*http.Response, error) {
	request, err := c.request(ctx, k)
	if err != nil {
		return nil, err
	}
	caller := c.http
	if k.patient {
		caller = c.patient
	}
	response, err := caller.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if response.StatusCode/100 == 2 && response.StatusCode != http.StatusAccepted {
		return response, nil
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusAccepted {
		return nil, waiting(response)
	}
	return nil, refusal(response)
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	var body io.Reader
	if k.body != nil {
		text, err := json.Marshal(k.body)
		if err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	address := c.base.JoinPath("api", "v1")
	for _, segment := range k.path {
		if segment == "" || segment == "." || segment == ".." {
			// As part of an address these would mean something else.
			return nil, &problem.Problem{Status: http.StatusNotFound, Code: enroll.NotFound, Detail: fmt.Sprintf("nothing has the id %q", segment)}
		}
		address = address.JoinPath(url.PathEscape(segment))
	}
	address.RawQuery = k.query.Encode()
	request, err := http.NewRequestWithContext(ctx, k.method, address.String(), body)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.userAgent != "" {
		request.Header.Set("User-Agent", c.userAgent)
	}
	if c.token != nil {
		token, err := c.token(ctx)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request, nil
}

// refusal reads why the server, or something before it, did not do it.
func refusal(response *http.Response) error {
	var p problem.Problem
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	text, err := io.ReadAll(io.LimitReader(response.Body, maxProblem))
	if mediaType != problem.ContentType || err != nil || json.Unmarshal(text, &p) != nil || p.Code == "" {
		return fmt.Errorf("%w: something that is not Touchmark answered %s; check the server's address", ErrUnreachable, response.Status)
	}
	p.RetryAfter = retryAfter(response)
	return &p
}

// retryAfter is when it may be worth asking again, up to a day; 0 where the server
// does not say.
func retryAfter(response *http.Response) time.Duration {
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 86_400)) * time.Second
}

// get sends a call and reads its answer, a T in JSON.
func get[T any](ctx context.Context, c *Client, k call) (T, error) {
	answer, _, err := exchange[T](ctx, c, k)
	return answer, err
}

// send sends a call whose answer says nothing but that it was done.
func (c *Client) send(ctx context.Context, k call) error {
	_, _, err := c.read(ctx, k)
	return err
}

// exchange is get that tells the status too.
func exchange[T any](ctx context.Context, c *Client, k call) (answer T, status int, err error) {
	text, status, err := c.read(ctx, k)
	if err != nil {
		return answer, status, err
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return answer, status, fmt.Errorf("the server's answer is not what this version expects: %w", err)
	}
	return answer, status, nil
}

// read sends a call and returns the body of the answer.
func (c *Client) read(ctx context.Context, k call) (body []byte, status int, err error) {
	response, err := c.do(ctx, k)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("%w: the answer broke off: %w", ErrUnreachable, err)
	case len(body) > maxAnswer:
		return nil, 0, fmt.Errorf("the server's answer is longer than %d bytes", maxAnswer)
	}
	return body, response.StatusCode, nil
}
