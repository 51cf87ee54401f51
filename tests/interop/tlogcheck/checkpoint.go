package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"filippo.io/mldsa"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const algMLDSA44 = 6

// A checkpoint is what a C2SP tlog-checkpoint says.
type checkpoint struct {
	Origin string    `json:"origin"`
	Size   int64     `json:"size"`
	Root   tlog.Hash `json:"root"`
}

// openCheckpoint reads a signed checkpoint that every one of some keys has signed.
func openCheckpoint(signed string, verifierKeys []string) (*checkpoint, error) {
	var verifiers []note.Verifier
	for _, key := range verifierKeys {
		verifier, err := newVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("%w: the verifier key %.60q: %w", errCannotTell, key, err)
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	if err != nil {
		return nil, err
	}
	if len(opened.Sigs) != len(verifiers) {
		return nil, fmt.Errorf("signed by %d of %d keys", len(opened.Sigs), len(verifiers))
	}
	found, err := parseCheckpoint(opened.Text)
	if err != nil {
		return nil, err
	}
	for _, verifier := range verifiers {
		if verifier.Name() != found.Origin {
			return nil, fmt.Errorf("a key of %q does not sign for %q", verifier.Name(), found.Origin)
		}
	}
	return found, nil
}

func parseCheckpoint(text string) (*checkpoint, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) != 4 {
		return nil, errors.New("a checkpoint has three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return nil, fmt.Errorf("not a size: %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return nil, err
	}
	return &checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

func newVerifier(key string) (note.Verifier, error) {
	name, encoded, found := strings.Cut(key, "+")
	_, encoded, found2 := strings.Cut(encoded, "+")
	material, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !found || !found2 || len(material) == 0 || material[0] != algMLDSA44 {
		return note.NewVerifier(key)
	}
	public, err := mldsa.NewPublicKey(mldsa.MLDSA44(), material[1:])
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256([]byte(name + "\n" + string(material)))
	return &mldsaVerifier{name, binary.BigEndian.Uint32(id[:]), public}, nil
}

// An mldsaVerifier checks ML-DSA-44 signatures of C2SP tlog-cosignature.
type mldsaVerifier struct {
	name   string
	id     uint32
	public *mldsa.PublicKey
}

func (v *mldsaVerifier) Name() string { return v.name }

func (v *mldsaVerifier) KeyHash() uint32 { return v.id }

func (v *mldsaVerifier) Verify(text, signature []byte) bool {
	signed, err := parseCheckpoint(string(text))
	if err != nil || len(signature) < 8 {
		return false
	}
	// struct cosigned_message, in the presentation language of TLS
	var message bytes.Buffer
	message.WriteString("subtree/v1\n\x00")
	message.WriteByte(byte(len(v.name)))
	message.WriteString(v.name)
	message.Write(signature[:8])
	message.WriteByte(byte(len(signed.Origin)))
	message.WriteString(signed.Origin)
	message.Write(binary.BigEndian.AppendUint64(nil, 0))
	message.Write(binary.BigEndian.AppendUint64(nil, uint64(signed.Size)))
	message.Write(signed.Root[:])
	return mldsa.Verify(v.public, message.Bytes(), signature[8:], nil) == nil
}
