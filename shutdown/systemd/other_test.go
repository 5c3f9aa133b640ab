//go:build !linux

package systemd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/shutdown/systemd"
)

func program(string) {}

func TestWhereThereIsNoSystemdTheEnvironmentIsNotRead(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "vsock:2:1234")
	require.NoError(t, systemd.New(systemd.Config{}).Ready(t.Context()))
}
