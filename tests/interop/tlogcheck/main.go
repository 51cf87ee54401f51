// Tlogcheck checks the evidence of a log with packages that others wrote: golang.org/x/mod/sumdb/note and
// tlog, with which the go command checks Go's module database, and filippo.io/mldsa.
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

	"golang.org/x/mod/sumdb/tlog"
)

// A request has the fields that its command needs.
type request struct {
	// VerifierKeys are C2SP verifier keys, each of which must have signed every checkpoint.
	VerifierKeys []string `json:"verifier_keys"`
	// Checkpoint is a signed note; for tiles, empty for the one that the log serves.
	Checkpoint string `json:"checkpoint"`
	// Earlier is the checkpoint of a smaller tree.
	Earlier string `json:"earlier"`
	// Record is a canonical record, the SHA-256 of which is the entry Index.
	Record []byte `json:"record"`
	Index  int64  `json:"index"`
	// Path is a proof.
	Path []tlog.Hash `json:"path"`
	// URL is where the log's tiles are.
	URL string `json:"url"`
	// Indexes are entries that are to be proved from tiles.
	Indexes []int64 `json:"indexes"`
	// Sizes are those of smaller trees that are to be proved from tiles.
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
	commands := map[string]func(*request) (any, error){
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
	return commands[arguments[0]](&asked)
}

func checkCheckpoint(asked *request) (any, error) {
	return openCheckpoint(asked.Checkpoint, asked.VerifierKeys)
}

func checkInclusion(asked *request) (any, error) {
	tree, err := openCheckpoint(asked.Checkpoint, asked.VerifierKeys)
	if err != nil {
		return nil, err
	}
	entry := sha256.Sum256(asked.Record)
	return tree, tlog.CheckRecord(asked.Path, tree.Size, tree.Root, asked.Index, tlog.RecordHash(entry[:]))
}

func checkConsistency(asked *request) (any, error) {
	later, err := openCheckpoint(asked.Checkpoint, asked.VerifierKeys)
	if err != nil {
		return nil, err
	}
	earlier, err := openCheckpoint(asked.Earlier, asked.VerifierKeys)
	if err != nil {
		return nil, err
	}
	return later, tlog.CheckTree(asked.Path, later.Size, later.Root, earlier.Size, earlier.Root)
}
