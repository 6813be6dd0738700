package contender

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call posts to the REST API.
func (t *touchmark) call(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := t.fetch(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

func (t *touchmark) fetch(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, "https://"+t.api+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+t.token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := t.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %.300s", method, path, answer.Status, text)
	}
	return text, err
}

// logSize reads the number of records under the newest checkpoint: its second
// line (golang.org/x/mod/sumdb/tlog, FormatTree).
func (t *touchmark) logSize(ctx context.Context) (int64, error) {
	note, err := t.fetch(ctx, http.MethodGet, "/api/v1/audit/checkpoint", nil)
	if err != nil {
		return 0, err
	}
	lines := strings.SplitN(string(note), "\n", 3)
	if len(lines) < 3 {
		return 0, errors.New("the checkpoint is not a note")
	}
	return strconv.ParseInt(lines[1], 10, 64)
}

// Profile takes a CPU profile for as long as asked, in pprof's format.
func (t *touchmark) Profile(ctx context.Context, length time.Duration) ([]byte, error) {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", t.metrics, int(length.Seconds()))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New("take a profile: " + answer.Status)
	}
	return io.ReadAll(answer.Body)
}
