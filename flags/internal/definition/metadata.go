package definition

import (
	"fmt"
	"maps"

	"github.com/handover-go/handover/flags/internal/bucket"
	"github.com/handover-go/handover/flags/internal/tree"
)

// maxMetadata keeps a set's metadata, which each flag repeats, from being most of it.
const maxMetadata = 100

// metadata is an object of scalars; nil if there is none.
func (p place) metadata() map[string]any {
	switch {
	case p.node == nil:
		return nil
	case !p.is(tree.Object):
		p.wrong(p.kind(), `an object: {"owner": "payments"}`)
		return nil
	case len(p.node.Members) > maxMetadata:
		p.wrong(fmt.Sprintf("has %d members", len(p.node.Members)), fmt.Sprintf("at most %d", maxMetadata))
		return nil
	}
	all := make(map[string]any, len(p.node.Members))
	for _, member := range p.node.Members {
		switch n := member.Value; n.Kind {
		case tree.Bool:
			all[member.Name] = n.Bool
		case tree.Number:
			all[member.Name] = n.Number
		case tree.String:
			all[member.Name] = n.Text
		default:
			at := p.member(member.Name)
			at.wrong(at.kind(), "a string, a number or a boolean")
		}
	}
	return all
}

// ofSet are the metadata of the set.
func (p place) ofSet() {
	p.set.Metadata = p.metadata()
	p.set.ID = p.scalar("flagSetId").word()
	p.set.Version = p.scalar("version").word()
	if at := p.scalar("bucketing"); at.node != nil {
		algorithm, ok := bucket.Named(at.node.Text)
		if !ok || !at.is(tree.String) {
			at.wrong("names no bucketing", `"flagd-v2", "v1" or "md5-100"`)
			return
		}
		p.set.Bucketing = algorithm
	}
}

// scalar is a member, but for one that metadata has complained of.
func (p place) scalar(name string) place {
	at := p.member(name)
	if at.node != nil && (at.is(tree.Null) || at.is(tree.Array) || at.is(tree.Object)) {
		at.node = nil
	}
	return at
}

// ofFlag are the metadata of a flag, over those of the set.
func (p place) ofFlag() {
	own := p.metadata()
	if at := p.scalar("bucketing"); at.node != nil {
		at.wrong("is for the whole set", "metadata.bucketing, beside flags")
	}
	if at := p.scalar("seed"); at.node != nil {
		p.flag.seed = at.word()
		if p.set.Bucketing != bucket.V1 {
			at.wrong("does nothing, since only the bucketing v1 has seeds", `metadata.bucketing "v1", or {"cat": ["seed", {"var": "targetingKey"}]} in the fractional`)
		}
	}
	if len(own) == 0 {
		return
	}
	merged := make(map[string]any, len(p.set.Metadata)+len(own))
	maps.Copy(merged, p.set.Metadata)
	maps.Copy(merged, own)
	p.flag.Metadata = merged
}
