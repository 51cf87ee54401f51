// Tlogcheck checks the evidence of a log with packages that others wrote: golang.org/x/mod/sumdb, with which the
// go command checks Go's module database, filippo.io/torchwood for the formats of C2SP, and filippo.io/mldsa.
//
//	tlogcheck checkpoint | inclusion | consistency | tiles
//
// The request is read from stdin, and the answer written to stdout, as JSON. The exit status is 0 if the
// evidence holds, 1 if it does not (why is on stderr), and 2 if that cannot be told.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// A request has the fields that its command needs.
type request struct {
	// VerifierKeys are C2SP verifier keys of the log, each of which must have signed every checkpoint.
	VerifierKeys []string `json:"verifier_keys"`
	// Checkpoint is a signed note; for tiles, empty for the one that the log serves.
	Checkpoint string `json:"checkpoint"`
	// Earlier is the checkpoint of a smaller tree, from which Path leads to the other.
	Earlier string      `json:"earlier"`
	Path    []tlog.Hash `json:"path"`
	// Record is a canonical record, and Proof its C2SP tlog-proof.
	Record []byte `json:"record"`
	Proof  string `json:"proof"`
	// URL is where the log's files are.
	URL string `json:"url"`
	// Indexes are entries that are to be proved with tiles.
	Indexes []int64 `json:"indexes"`
	// Sizes are those of smaller trees that are to be proved with tiles.
	Sizes []int64 `json:"sizes"`
}

// errCannotTell is why nothing can be said about the evidence.
var errCannotTell = errors.New("cannot tell")

func main() {
	answer, err := run(os.Args[1:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answer)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, errCannotTell) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func run(arguments []string) (any, error) {
	commands := map[string]func(*request, torchwood.Policy) (any, error){
		"checkpoint":  checkCheckpoint,
		"inclusion":   checkInclusion,
		"consistency": checkConsistency,
		"tiles":       checkTiles,
	}
	if len(arguments) != 1 || commands[arguments[0]] == nil {
		return nil, fmt.Errorf("%w: the one argument is checkpoint, inclusion, consistency or tiles", errCannotTell)
	}
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return nil, fmt.Errorf("%w: the request: %w", errCannotTell, err)
	}
	policy, err := newPolicy(asked.VerifierKeys)
	if err != nil {
		return nil, fmt.Errorf("%w: the verifier keys: %w", errCannotTell, err)
	}
	return commands[arguments[0]](&asked, policy)
}

func checkCheckpoint(asked *request, policy torchwood.Policy) (any, error) {
	checkpoint, _, err := torchwood.VerifyCheckpoint([]byte(asked.Checkpoint), policy)
	return checkpoint, err
}

func checkInclusion(asked *request, policy torchwood.Policy) (any, error) {
	entry := sha256.Sum256(asked.Record)
	return nil, torchwood.VerifyProof(policy, tlog.RecordHash(entry[:]), []byte(asked.Proof))
}

func checkConsistency(asked *request, policy torchwood.Policy) (any, error) {
	earlier, _, err := torchwood.VerifyCheckpoint([]byte(asked.Earlier), policy)
	if err != nil {
		return nil, err
	}
	later, _, err := torchwood.VerifyCheckpoint([]byte(asked.Checkpoint), policy)
	if err != nil {
		return nil, err
	}
	return nil, tlog.CheckTree(asked.Path, later.N, later.Hash, earlier.N, earlier.Hash)
}
