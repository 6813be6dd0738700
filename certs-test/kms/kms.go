// Package kms is the part of AWS KMS that signing needs, for tests: its JSON over
// HTTP, with keys in memory. It can be away, slow, or refuse who calls.
package kms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// KeyID and Secret are the credentials that are known, Region is where it is.
const (
	KeyID  = "AKIDEXAMPLE"
	Secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	Region = "eu-central-1"
)

// Service answers as the KMS does. The zero value has no keys. It is safe for
// concurrent use.
type Service struct {
	mu   sync.Mutex // guards the rest
	keys map[string]crypto.Signer
	away bool
}

// Away has the service answer every call by 503, or stop doing so.
func (s *Service) Away(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

type call struct {
	KeyID            string `json:"KeyId"`
	KeySpec          string
	KeyUsage         string
	AliasName        string
	TargetKeyID      string `json:"TargetKeyId"`
	Message          []byte
	MessageType      string
	SigningAlgorithm string
}

// ServeHTTP implements http.Handler. Signatures of requests are not verified, but
// for whom and where they are.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	operation, known := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	scope := "/" + Region + "/kms/aws4_request,"
	switch authorization := r.Header.Get("Authorization"); {
	case s.away:
		fail(w, http.StatusServiceUnavailable, "KMSInternalException", "away")
		return
	case !known || r.Method != http.MethodPost:
		fail(w, http.StatusBadRequest, "UnknownOperationException", operation)
		return
	case !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 Credential="+KeyID+"/") || !strings.Contains(authorization, scope):
		fail(w, http.StatusBadRequest, "UnrecognizedClientException", "The security token included in the request is invalid.")
		return
	}
	var in call
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil {
		fail(w, http.StatusBadRequest, "SerializationException", err.Error())
		return
	}
	switch operation {
	case "CreateKey":
		s.create(w, in)
	case "CreateAlias":
		answer(w, struct{}{})
	case "GetPublicKey":
		s.public(w, in)
	case "Sign":
		s.sign(w, in)
	default:
		fail(w, http.StatusBadRequest, "UnknownOperationException", operation)
	}
}

func (s *Service) create(w http.ResponseWriter, in call) {
	var key crypto.Signer
	var err error
	switch in.KeySpec {
	case "ECC_NIST_P256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ECC_NIST_P384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "RSA_3072":
		key, err = rsa.GenerateKey(rand.Reader, 3072)
	default:
		fail(w, http.StatusBadRequest, "ValidationException", "KeySpec "+in.KeySpec)
		return
	}
	if err != nil || in.KeyUsage != "SIGN_VERIFY" {
		fail(w, http.StatusBadRequest, "ValidationException", fmt.Sprint(in.KeyUsage, err))
		return
	}
	if s.keys == nil {
		s.keys = map[string]crypto.Signer{}
	}
	id := fmt.Sprintf("1234abcd-12ab-34cd-56ef-%012d", len(s.keys))
	s.keys[id] = key
	answer(w, map[string]any{"KeyMetadata": map[string]any{"KeyId": id, "KeySpec": in.KeySpec, "KeyUsage": in.KeyUsage}})
}

func (s *Service) public(w http.ResponseWriter, in call) {
	key, ok := s.keys[in.KeyID]
	if !ok {
		fail(w, http.StatusBadRequest, "NotFoundException", "Invalid keyId "+in.KeyID)
		return
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		fail(w, http.StatusInternalServerError, "KMSInternalException", err.Error())
		return
	}
	answer(w, map[string]any{"KeyId": in.KeyID, "PublicKey": der})
}

func (s *Service) sign(w http.ResponseWriter, in call) {
	hash, ok := map[string]crypto.Hash{
		"ECDSA_SHA_256": crypto.SHA256, "ECDSA_SHA_384": crypto.SHA384, "RSASSA_PKCS1_V1_5_SHA_256": crypto.SHA256,
	}[in.SigningAlgorithm]
	key := s.keys[in.KeyID]
	if key == nil || !ok || in.MessageType != "DIGEST" || len(in.Message) != hash.Size() {
		fail(w, http.StatusBadRequest, "ValidationException", in.KeyID+" "+in.SigningAlgorithm+" "+in.MessageType)
		return
	}
	signature, err := key.Sign(rand.Reader, in.Message, hash)
	if err != nil {
		fail(w, http.StatusBadRequest, "InvalidKeyUsageException", err.Error())
		return
	}
	answer(w, map[string]any{"KeyId": in.KeyID, "Signature": signature, "SigningAlgorithm": in.SigningAlgorithm})
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(value)
}

func fail(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind, "message": message})
}
