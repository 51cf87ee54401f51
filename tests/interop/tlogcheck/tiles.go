package main

import (
	"context"
	"fmt"
	"slices"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// A tileProof is what was proved with a log's files alone.
type tileProof struct {
	Size int64 `json:"size"`
	// Entries are all entries of the log.
	Entries [][]byte `json:"entries"`
	// Inclusion are the proofs of the request's indexes.
	Inclusion []tlog.RecordProof `json:"inclusion"`
	// Roots and Consistency are the roots of the trees of the request's sizes, and the proofs of these.
	Roots       []tlog.Hash      `json:"roots"`
	Consistency []tlog.TreeProof `json:"consistency"`
	// Tiles are the paths of the tiles that were used, all of which lead to the root.
	Tiles []string `json:"tiles"`
}

func checkTiles(asked *request, policy torchwood.Policy) (any, error) {
	ctx := context.Background()
	fetcher, err := torchwood.NewTileFetcher(asked.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCannotTell, err)
	}
	log := &files{fetcher, map[tlog.Tile][]byte{}}
	signed := []byte(asked.Checkpoint)
	if len(signed) == 0 {
		if signed, err = log.ReadEndpoint(ctx, "checkpoint"); err != nil {
			return nil, err
		}
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return nil, err
	}
	proof := &tileProof{Size: checkpoint.N}
	if err := proof.addEntries(ctx, log, checkpoint.Tree, asked.Indexes); err != nil {
		return nil, err
	}
	hashes := torchwood.TileHashReaderWithContext(ctx, checkpoint.Tree, log)
	for _, size := range asked.Sizes {
		if err := proof.addTree(checkpoint.Tree, hashes, size); err != nil {
			return nil, fmt.Errorf("the tree of %d: %w", size, err)
		}
	}
	for tile := range log.tiles {
		proof.Tiles = append(proof.Tiles, torchwood.TilePath(tile))
	}
	slices.Sort(proof.Tiles)
	return proof, nil
}

func (p *tileProof) addEntries(ctx context.Context, log *files, tree tlog.Tree, indexes []int64) error {
	client, err := torchwood.NewClient(log)
	if err != nil {
		return fmt.Errorf("%w: %w", errCannotTell, err)
	}
	for _, entry := range client.AllEntries(ctx, tree, 0) {
		p.Entries = append(p.Entries, entry)
	}
	if err := client.Err(); err != nil {
		return err
	}
	for _, index := range indexes {
		_, path, err := client.Entry(ctx, tree, index)
		if err != nil {
			return err
		}
		p.Inclusion = append(p.Inclusion, path)
	}
	return nil
}

func (p *tileProof) addTree(tree tlog.Tree, hashes tlog.HashReader, size int64) error {
	root, err := tlog.TreeHash(size, hashes)
	if err != nil {
		return err
	}
	path, err := tlog.ProveTree(tree.N, size, hashes)
	if err != nil {
		return err
	}
	p.Roots = append(p.Roots, root)
	p.Consistency = append(p.Consistency, path)
	return tlog.CheckTree(path, tree.N, tree.Hash, size, root)
}

// files are those of a log. A tile that was found to lead to the root is not read again.
type files struct {
	*torchwood.TileFetcher
	tiles map[tlog.Tile][]byte
}

func (f *files) ReadTiles(ctx context.Context, tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		if data[i] = f.tiles[tile]; data[i] != nil {
			continue
		}
		read, err := f.TileFetcher.ReadTiles(ctx, []tlog.Tile{tile})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errCannotTell, err)
		}
		data[i] = read[0]
	}
	return data, nil
}

func (f *files) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, tile := range tiles {
		f.tiles[tile] = data[i]
	}
}

func (f *files) ReadEndpoint(ctx context.Context, path string) ([]byte, error) {
	data, err := f.TileFetcher.ReadEndpoint(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCannotTell, err)
	}
	return data, nil
}
