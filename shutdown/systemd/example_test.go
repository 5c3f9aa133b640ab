package systemd_test

import (
	"context"
	"fmt"

	"github.com/handover-go/handover/shutdown/systemd"
)

func ExampleNew() {
	sd := systemd.New(systemd.Config{})

	l, err := sd.Listener("api")
	fmt.Println(l, err) // started by hand: the server opens its own address
	fmt.Println(sd.Ready(context.Background()))
	// Output:
	// <nil> <nil>
	// <nil>
}
