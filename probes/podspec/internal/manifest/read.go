// Package manifest reads Kubernetes manifests as they are written: whatever is not
// asked for may be there or not, and each field knows its path and its line.
//
// It is a part of podspec, whose users read its errors.
package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An Object is one of Kubernetes, of whatever kind.
type Object struct {
	Field
	Kind string
	Name string // with the kind: "Deployment/api"
	Pod  Field  // the spec of the pod that it has or makes; absent if it has none
}

// Read returns the objects of all documents, in YAML or JSON, and those in lists.
// The error is what could not be read; the rest is returned all the same, up to
// what is no YAML at all.
func Read(text []byte) ([]Object, error) {
	documents, errs := decode(text)
	var objects []Object
	for _, f := range documents {
		more, err := flatten(f)
		objects, errs = append(objects, more...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return objects, err
	}
	if len(objects) == 0 {
		return nil, errors.New("podspec: lint: the manifest is empty: give what has a pod, such as a Deployment")
	}
	return objects, nil
}

func decode(text []byte) (documents []Field, errs []error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, errs
		}
		if err != nil { // and the decoder does not go on after one
			return documents, append(errs, unreadable(err, text))
		}
		// Whatever can be parsed makes a node. A key that is given twice, or an anchor
		// within itself, does not show before the node becomes values.
		var values any
		if err := document.Decode(&values); err != nil {
			errs = append(errs, unreadable(err, text))
		} else if values != nil {
			root := target(document.Content[0])
			documents = append(documents, Field{Line: root.Line, node: root})
		}
	}
}

func unreadable(err error, text []byte) error {
	hint := ""
	if bytes.Contains(text, []byte("{{")) {
		hint = ": a template has to be rendered first"
	}
	if several := (*yaml.TypeError)(nil); errors.As(err, &several) {
		err = errors.New("yaml: " + strings.Join(several.Errors, "; "))
	}
	return fmt.Errorf("podspec: lint: %w%s", err, hint)
}

// flatten takes a list apart.
func flatten(f Field) ([]Object, error) {
	kind := f.Get("kind").Text()
	if kind == "" {
		return nil, fmt.Errorf("podspec: lint: line %d: there is no kind: give Kubernetes objects", f.Line)
	}
	items := f.Get("items")
	if !strings.HasSuffix(kind, "List") || items.Absent() {
		return object(f, kind)
	}
	var objects []Object
	var errs []error
	for _, item := range items.Items() {
		more, err := flatten(item)
		objects, errs = append(objects, more...), append(errs, err)
	}
	return objects, errors.Join(errs...)
}

// object finds the pod where its kind has it. A kind that is not known may have one
// where most have theirs, as an Argo Rollout does.
func object(f Field, kind string) ([]Object, error) {
	o := Object{Field: f, Kind: kind, Pod: f.Get("spec", "template", "spec")}
	o.Name = kind + "/" + cmp.Or(f.Get("metadata", "name").Text(), f.Get("metadata", "generateName").Text(), "(no name)")
	expected := true
	switch kind {
	case "Pod":
		o.Pod = f.Get("spec")
	case "CronJob":
		o.Pod = f.Get("spec", "jobTemplate", "spec", "template", "spec")
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job":
	default:
		expected = false
	}
	if expected && len(o.Pod.Get("containers").Items()) == 0 {
		return nil, fmt.Errorf("podspec: lint: line %d: %s has no containers: they are expected at %s.containers", f.Line, o.Name, o.Pod.Path)
	}
	return []Object{o}, nil
}
