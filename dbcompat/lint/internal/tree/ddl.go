package tree

import "encoding/json"

// AlterTable is ALTER TABLE, and also ALTER INDEX, VIEW, TYPE and the others
// that share its grammar.
type AlterTable struct {
	Relation *Relation
	Commands []struct{ AlterTableCmd *Command } `json:"cmds"`
	Object   string                             `json:"objtype"`
	IfExists bool                               `json:"missing_ok"`
}

// Command is one of the comma-separated parts of ALTER TABLE.
type Command struct {
	Kind     string `json:"subtype"` // "AT_AddColumn", …
	Name     string
	Def      json.RawMessage
	Behavior string
	IfExists bool `json:"missing_ok"`
}

// AlterDomain is ALTER DOMAIN.
type AlterDomain struct {
	Kind string `json:"subtype"` // "C" adds a constraint, "O" sets NOT NULL
	Type []Node `json:"typeName"`
	Def  *Node
}

// CreateDomain is CREATE DOMAIN.
type CreateDomain struct {
	Constraints []Node
}

// AlterEnum is ALTER TYPE … ADD VALUE and RENAME VALUE, and CREATE TYPE … AS ENUM.
type AlterEnum struct {
	Type     []Node `json:"typeName"`
	Old      string `json:"oldVal"`
	New      string `json:"newVal"`
	Neighbor string `json:"newValNeighbor"`
	Vals     []Node
}

// AlterSchema is ALTER … SET SCHEMA.
type AlterSchema struct {
	Object   string `json:"objectType"`
	Relation *Relation
	Schema   string `json:"newschema"`
}

// CreateTable is CREATE TABLE.
type CreateTable struct {
	Relation    *Relation
	Elements    []Node          `json:"tableElts"`
	Partitioned json.RawMessage `json:"partspec"`
	Parents     []Node          `json:"inhRelations"`
	IfNotExists bool            `json:"if_not_exists"`
}

// CreateTableAs is CREATE TABLE … AS and CREATE MATERIALIZED VIEW.
type CreateTableAs struct {
	Into  struct{ Rel *Relation }
	Query json.RawMessage
}

// CreateSchema is CREATE SCHEMA with what it contains.
type CreateSchema struct {
	Name     string `json:"schemaname"`
	Elements []Node `json:"schemaElts"`
}

// Function is CREATE FUNCTION and CREATE PROCEDURE.
type Function struct {
	Name    []Node `json:"funcname"`
	Options []Node
}

// Drop is DROP of anything but a database.
type Drop struct {
	Objects    []Node
	Kind       string `json:"removeType"`
	Behavior   string
	IfExists   bool `json:"missing_ok"`
	Concurrent bool
}

// Index is CREATE INDEX.
type Index struct {
	Name        string `json:"idxname"`
	Relation    *Relation
	Params      []json.RawMessage `json:"indexParams"`
	Unique      bool
	Concurrent  bool
	IfNotExists bool `json:"if_not_exists"`
}

// Lock is LOCK TABLE.
type Lock struct {
	Relations []Node
}

// Partition is the partition of ATTACH and DETACH.
type Partition struct {
	Name       *Relation
	Concurrent bool
}

// Refresh is REFRESH MATERIALIZED VIEW.
type Refresh struct {
	Relation   *Relation
	Concurrent bool
	NoData     bool `json:"skipData"`
}

// Reindex is REINDEX.
type Reindex struct {
	Relation *Relation
	Params   []Node
}

// Rename is ALTER … RENAME.
type Rename struct {
	Object   string `json:"renameType"`
	Relation *Relation
	Old      string `json:"subname"`
	New      string `json:"newname"`
}

// Truncate is TRUNCATE.
type Truncate struct {
	Relations []Node
	Behavior  string
}

// Vacuum is VACUUM and ANALYZE.
type Vacuum struct {
	Options []Node
	Vacuum  bool `json:"is_vacuumcmd"`
}

// View is CREATE VIEW.
type View struct {
	View  *Relation
	Query json.RawMessage
}
