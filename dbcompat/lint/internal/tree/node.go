package tree

import "encoding/json"

// Node is one node of the tree: the pointer of its kind is set, and no other.
// Kinds that no rule reads are missing here.
type Node struct {
	AlterTableStmt        *AlterTable
	AlterDomainStmt       *AlterDomain
	AlterEnumStmt         *AlterEnum
	AlterObjectSchemaStmt *AlterSchema
	AlterTableMoveAllStmt *struct{}
	ClusterStmt           *Target
	ColumnDef             *Column
	Constraint            *Constraint
	CopyStmt              *Copy
	CreateDomainStmt      *CreateDomain
	CreateEnumStmt        *AlterEnum
	CreateFunctionStmt    *Function
	CreateSchemaStmt      *CreateSchema
	CreateStmt            *CreateTable
	CreateTableAsStmt     *CreateTableAs
	CreateTrigStmt        *Target
	DeleteStmt            *Write
	DoStmt                *struct{}
	DropOwnedStmt         *struct{}
	DropStmt              *Drop
	DropdbStmt            *struct{}
	IndexStmt             *Index
	InsertStmt            *Write
	LockStmt              *Lock
	MergeStmt             *Write
	PartitionCmd          *Partition
	RangeVar              *Relation
	RefreshMatViewStmt    *Refresh
	ReindexStmt           *Reindex
	RenameStmt            *Rename
	SelectStmt            *Select
	TransactionStmt       *Transaction
	TruncateStmt          *Truncate
	UpdateStmt            *Write
	VacuumStmt            *Vacuum
	VariableSetStmt       *Set
	ViewStmt              *View

	String *struct{ Sval string }
	List   *struct{ Items []Node }
	// TypeName is what DROP TYPE and DROP DOMAIN name their objects with.
	TypeName *Type
	DefElem  *Option
}

// Relation is a table, view or index that a statement names.
type Relation struct {
	Schema string `json:"schemaname"`
	Name   string `json:"relname"`
	Temp   string `json:"relpersistence"` // "t" is temporary
	At     int    `json:"location"`
}

// Target is a statement of which only the relation matters.
type Target struct {
	Relation *Relation
}

// Option is one of a list such as VACUUM (FULL, ANALYZE).
type Option struct {
	Name string          `json:"defname"`
	Arg  json.RawMessage `json:"arg"`
}

// Type is a type as it is written.
type Type struct {
	Names   []Node
	Typmods []json.RawMessage
	Array   []json.RawMessage `json:"arrayBounds"`
	At      int               `json:"location"`
}

// Column is a column of CREATE TABLE or ADD COLUMN.
type Column struct {
	Name        string `json:"colname"`
	Type        *Type  `json:"typeName"`
	Constraints []Node
	// Using is the expression of ALTER COLUMN … TYPE … USING.
	Using json.RawMessage `json:"raw_default"`
	At    int             `json:"location"`
}

// Constraint is one of a column, a table or a domain.
type Constraint struct {
	Kind      string          `json:"contype"`
	Name      string          `json:"conname"`
	NotValid  bool            `json:"skip_validation"`
	Index     string          `json:"indexname"` // of USING INDEX
	Expr      json.RawMessage `json:"raw_expr"`
	Keys      []Node
	Foreign   *Relation `json:"pktable"`
	FKColumns []Node    `json:"fk_attrs"`
	PKColumns []Node    `json:"pk_attrs"`
	At        int       `json:"location"`
}

// Transaction is BEGIN, COMMIT and their spellings.
type Transaction struct {
	Kind string
}

// Set is SET, RESET and SET LOCAL.
type Set struct {
	Kind string
	Name string
	Args []json.RawMessage
}

// Select is a query.
type Select struct {
	Into    json.RawMessage   `json:"intoClause"`
	Targets []json.RawMessage `json:"targetList"`
	From    []json.RawMessage `json:"fromClause"`
}

// Write is INSERT, UPDATE, DELETE or MERGE.
type Write struct {
	Relation *Relation
	Targets  []struct {
		ResTarget struct {
			Name        string
			Indirection []json.RawMessage
		}
	} `json:"targetList"`
	Where json.RawMessage `json:"whereClause"`
	Query json.RawMessage `json:"selectStmt"`
}

// Copy is COPY.
type Copy struct {
	Relation *Relation
	From     bool `json:"is_from"`
}
