package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/touchmark/touchmark/cmd/touchmark/server/admit"
)

// admitted has the requests of a listener wait for a place, or turns them away.
func (s *server) admitted(listener string, next http.Handler) http.Handler {
	return admit.Handler(s.admission, admit.Listener(listener), s.shed, next)
}

// admitHandshakes has the TLS handshakes of a listener wait for a place of class.
func (s *server) admitHandshakes(l *listener, class admit.Class) {
	at := admit.Listener(l.name)
	l.bound, l.server.TLSConfig = s.admission.TLS(l.bound, l.server.TLSConfig, class, func(class admit.Class) { s.shed(at, class) })
}

func (s *server) shed(at admit.Listener, class admit.Class) {
	s.metrics.Shed(string(at), class.String())
}

// tellEvery is how often the log says that requests are turned away.
const tellEvery = 10 * time.Second

// tellShed logs how many were turned away, of each class, while any are.
func (s *server) tellShed(ctx context.Context) {
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	told := map[admit.Class]uint64{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		loads, places := s.admission.Loads()
		var shed []any
		for _, load := range loads {
			if n := load.Shed - told[load.Class]; n > 0 {
				shed = append(shed, slog.Uint64(load.Class.String(), n))
			}
			told[load.Class] = load.Shed
		}
		if len(shed) > 0 {
			s.Log.WarnContext(ctx, "more is asked for than can be done: requests were turned away with 503, handshakes ended",
				"seconds", int(tellEvery/time.Second), "places", places, slog.Group("shed", shed...))
		}
	}
}
