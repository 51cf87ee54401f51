package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is that of C2SP tlog-tiles, whose paths therefore do not name it.
const tileHeight = 8

// A tileProof is what was proved with a log's tiles alone.
type tileProof struct {
	checkpoint
	// Tiles is how many tiles were found to belong to the tree.
	Tiles int `json:"tiles"`
	// Entries, Inclusion: for each of the request's indexes, its entry and the proof of it.
	Entries   [][]byte           `json:"entries"`
	Inclusion []tlog.RecordProof `json:"inclusion"`
	// Roots, Consistency: for each of the request's sizes, the root of that tree and the proof of it.
	Roots       []tlog.Hash      `json:"roots"`
	Consistency []tlog.TreeProof `json:"consistency"`
}

func checkTiles(asked *request) (any, error) {
	log := &httpLog{url: asked.URL}
	signed := asked.Checkpoint
	if signed == "" {
		served, err := log.read("checkpoint")
		if err != nil {
			return nil, err
		}
		signed = string(served)
	}
	tree, err := openCheckpoint(signed, asked.VerifierKeys)
	if err != nil {
		return nil, err
	}
	proof := &tileProof{checkpoint: *tree}
	// It accepts no tile that does not lead to the root.
	hashes := tlog.TileHashReader(tlog.Tree{N: tree.Size, Hash: tree.Root}, log)
	for _, index := range asked.Indexes {
		if err := proof.addEntry(log, hashes, index); err != nil {
			return nil, fmt.Errorf("entry %d: %w", index, err)
		}
	}
	for _, size := range asked.Sizes {
		if err := proof.addTree(hashes, size); err != nil {
			return nil, fmt.Errorf("tree of %d: %w", size, err)
		}
	}
	proof.Tiles = log.saved
	return proof, nil
}

func (p *tileProof) addEntry(log *httpLog, hashes tlog.HashReader, index int64) error {
	path, err := tlog.ProveRecord(p.Size, index, hashes)
	if err != nil {
		return err
	}
	entry, err := log.entry(index, p.Size)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(path, p.Size, p.Root, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	p.Entries = append(p.Entries, entry)
	p.Inclusion = append(p.Inclusion, path)
	return nil
}

func (p *tileProof) addTree(hashes tlog.HashReader, size int64) error {
	root, err := tlog.TreeHash(size, hashes)
	if err != nil {
		return err
	}
	path, err := tlog.ProveTree(p.Size, size, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(path, p.Size, p.Root, size, root); err != nil {
		return err
	}
	p.Roots = append(p.Roots, root)
	p.Consistency = append(p.Consistency, path)
	return nil
}

// An httpLog is a tlog.TileReader of the files of a log.
type httpLog struct {
	url   string
	saved int
}

func (l *httpLog) Height() int { return tileHeight }

func (l *httpLog) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		content, err := l.read(path(tile))
		if err != nil {
			return nil, err
		}
		data = append(data, content)
	}
	return data, nil
}

func (l *httpLog) SaveTiles(tiles []tlog.Tile, _ [][]byte) { l.saved += len(tiles) }

// entry reads an entry from its bundle.
func (l *httpLog) entry(index, size int64) ([]byte, error) {
	const width = 1 << tileHeight
	first := index / width * width
	bundle := tlog.Tile{H: tileHeight, L: -1, N: index / width, W: int(min(width, size-first))}
	rest, err := l.read(path(bundle))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(rest) > 0 {
		if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
			return nil, fmt.Errorf("%s breaks off", path(bundle))
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		entries = append(entries, rest[2:end])
		rest = rest[end:]
	}
	if len(entries) != bundle.W {
		return nil, fmt.Errorf("%s has %d entries", path(bundle), len(entries))
	}
	return entries[index-first], nil
}

func (l *httpLog) read(path string) ([]byte, error) {
	response, err := http.Get(l.url + "/" + path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCannotTell, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCannotTell, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %s: %s %s", errCannotTell, path, response.Status, content)
	}
	return content, nil
}

// path returns a tile's path as C2SP tlog-tiles has it, from which that of Go's module database differs.
func path(tile tlog.Tile) string {
	return strings.NewReplacer("tile/8/data/", "tile/entries/", "tile/8/", "tile/").Replace(tile.Path())
}
