package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"filippo.io/mldsa"
	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
)

const (
	algMLDSA44 = 6
	timeSize   = 8
)

// newPolicy asks for a signature of each key, for the origin that is their name.
func newPolicy(verifierKeys []string) (torchwood.Policy, error) {
	if len(verifierKeys) == 0 {
		return nil, errors.New("there are none")
	}
	var policies []torchwood.Policy
	for _, key := range verifierKeys {
		verifier, err := newVerifier(key)
		if err != nil {
			return nil, err
		}
		origin := torchwood.OriginPolicy(verifier.Name())
		policies = append(policies, origin, torchwood.SingleVerifierPolicy(verifier))
	}
	return torchwood.ThresholdPolicy(len(policies), policies...), nil
}

// newVerifier reads a key of the types that logs sign with: Ed25519, or ML-DSA-44 of C2SP tlog-cosignature.
func newVerifier(key string) (note.Verifier, error) {
	parts := strings.SplitN(key, "+", 3)
	material, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(material) == 0 || material[0] != algMLDSA44 {
		return note.NewVerifier(key)
	}
	public, err := mldsa.NewPublicKey(mldsa.MLDSA44(), material[1:])
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256([]byte(parts[0] + "\n" + string(material)))
	return &mldsaVerifier{parts[0], binary.BigEndian.Uint32(id[:]), public}, nil
}

type mldsaVerifier struct {
	name   string
	id     uint32
	public *mldsa.PublicKey
}

func (v *mldsaVerifier) Name() string { return v.name }

func (v *mldsaVerifier) KeyHash() uint32 { return v.id }

func (v *mldsaVerifier) Verify(text, signature []byte) bool {
	signed, err := torchwood.ParseCheckpoint(string(text))
	if err != nil || len(signature) < timeSize {
		return false
	}
	// struct cosigned_message
	var message bytes.Buffer
	message.WriteString("subtree/v1\n\x00")
	message.WriteByte(byte(len(v.name)))
	message.WriteString(v.name)
	message.Write(signature[:timeSize])
	message.WriteByte(byte(len(signed.Origin)))
	message.WriteString(signed.Origin)
	message.Write(binary.BigEndian.AppendUint64(nil, 0))
	message.Write(binary.BigEndian.AppendUint64(nil, uint64(signed.N)))
	message.Write(signed.Hash[:])
	return mldsa.Verify(v.public, message.Bytes(), signature[timeSize:], nil) == nil
}
