package est

import (
	"net/http"
	"path"

	"github.com/touchmark/touchmark/enroll"
)

// answerNotFound says what there is, to whoever asks for what there is not. What the
// RFC knows and this door does not offer is said to be so (RFC 7030, section 3.2.2:
// operations that are optional need not be there).
func answerNotFound(w http.ResponseWriter, r *http.Request) {
	switch path.Base(r.URL.Path) {
	case "fullcmc":
		answerRefusal(w, enroll.Refuse(enroll.NotFound, "fullcmc is not offered here; use simpleenroll and simplereenroll"))
	case "serverkeygen":
		answerRefusal(w, enroll.Refuse(enroll.NotFound, "serverkeygen is not offered here; make a key on the device and use simpleenroll, or have the operator of the service switch it on"))
	default:
		answerRefusal(w, enroll.Refuse(enroll.NotFound, "EST here has cacerts, csrattrs, simpleenroll and simplereenroll"))
	}
}

// answerWrongMethod says which method an operation takes.
func answerWrongMethod(w http.ResponseWriter, r *http.Request) {
	allowed := http.MethodPost
	switch path.Base(r.URL.Path) {
	case "cacerts", "csrattrs":
		allowed = http.MethodGet
	}
	w.Header().Set("Allow", allowed) // RFC 9110, section 15.5.6
	answerText(w, http.StatusMethodNotAllowed, string(enroll.BadRequest)+": this operation takes "+allowed+"\n")
}
