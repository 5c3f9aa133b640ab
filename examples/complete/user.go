package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handover-go/handover/dbcompat"
	"github.com/handover-go/handover/dbcompat/change"
	"github.com/handover-go/handover/dbcompat/pgxdbcompat"
)

type user struct {
	ID          int64  `json:"id"`
	DisplayName string `json:"display_name"`
}

const changeName = "users-display-name"

// displayName is the change that is under way: users.name becomes users.display_name.
// This program speaks of display_name at each stage of it.
func displayName() dbcompat.Column[string] {
	return dbcompat.Column[string]{Table: "users", Key: "id", Old: "name", New: "display_name", Up: "name", Down: "display_name"}
}

// users are the rows of a table in transition.
type users struct {
	pool       *pgxpool.Pool
	statements *pgxdbcompat.Schema
	change     *change.Change
	name       dbcompat.Column[string]
	compared   dbcompat.Mismatches // old and new, in each row that is read
}

// find pins the stage for one statement.
func (u *users) find(ctx context.Context, id int64) (found user, err error) {
	pin, err := u.change.Pin()
	if err != nil {
		return found, err
	}
	defer pin.Release()
	sql := "SELECT id, " + u.name.Select(pin.Stage(), "") + " FROM users WHERE id = $1"
	err = u.statements.Do(ctx, func(ctx context.Context) error {
		return u.pool.QueryRow(ctx, sql, id).Scan(u.into(&found, pin.Stage())...)
	})
	return found, err
}

// search finds those whose name begins with a prefix.
func (u *users) search(ctx context.Context, prefix string) (found []user, err error) {
	pin, err := u.change.Pin()
	if err != nil {
		return nil, err
	}
	defer pin.Release()
	name := u.name.Believed(pin.Stage(), "")
	sql := "SELECT id, " + u.name.Select(pin.Stage(), "") + " FROM users" +
		" WHERE starts_with(lower(" + name + "), lower($1)) ORDER BY " + name + ", id LIMIT 10"
	err = u.statements.Do(ctx, func(ctx context.Context) error {
		rows, err := u.pool.Query(ctx, sql, prefix)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (one user, err error) {
			return one, row.Scan(u.into(&one, pin.Stage())...)
		})
		return err
	})
	return found, err
}

func (u *users) into(one *user, stage dbcompat.Stage) []any {
	return append([]any{&one.ID}, u.name.Into(stage, &one.DisplayName, &u.compared, &one.ID)...)
}

func (u *users) add(ctx context.Context, name string) (added user, err error) {
	added.DisplayName = name
	err = u.change.InTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) error {
		columns, values := u.name.Insert(stage, 1)
		return tx.QueryRow(ctx, "INSERT INTO users ("+columns+") VALUES ("+values+") RETURNING id", name).Scan(&added.ID)
	})
	return added, err
}

func (u *users) rename(ctx context.Context, id int64, name string) error {
	return u.change.InTx(ctx, func(tx pgx.Tx, stage dbcompat.Stage) error {
		return one(tx.Exec(ctx, "UPDATE users SET "+u.name.Set(stage, 2)+" WHERE id = $1", id, name))
	})
}
