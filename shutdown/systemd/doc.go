// Package systemd tells systemd when the program is ready, alive and stopping, and
// serves sockets that systemd holds, so that a restart turns nobody away.
//
//	start    Listener  takes our descriptor of the socket; the socket is systemd's
//	         Ready     READY=1: the unit is active, those ordered after it start
//	running  Watch     WATCHDOG=1 twice per WatchdogSec, while Config.Alive says nil
//	SIGTERM  Stopping  STOPPING=1 and EXTEND_TIMEOUT_USEC: no SIGKILL before the grace period ends
//	         Shutdown  closes our descriptor; who comes now waits in the socket's queue
//	exit               systemd starts the next process, which serves the queue
//
// In a program:
//
//	sd := systemd.New(systemd.Config{})
//	l, err := sd.Listener("api") // nil without systemd: then the server opens its Addr
//	api := shutdown.HTTP(srv, shutdown.Config{Listener: l, LingerMax: time.Second})
//	...
//	app.Together(ready, // the last place
//		lifecycle.Component{Name: "systemd", Start: sd.Ready, Run: sd.Watch, Stop: sd.Stopping})
//
// and beside it, for systemctl restart api.service (never the socket):
//
//	[Unit]      # api.service             [Socket]    # api.socket
//	Requires=api.socket                   ListenStream=8080
//	[Service]                             FileDescriptorName=api
//	Type=notify                           [Install]
//	ExecStart=/usr/bin/api                WantedBy=sockets.target
//	TimeoutStopSec=30
//	KillMode=mixed
//	WatchdogSec=10
//	Restart=on-failure
//
// The invariant: between two processes a client may wait, but is neither refused
// nor reset. It waits for as long as the old process drains, so a linger that no
// balancer needs should be short.
//
// Without systemd, and on other systems than Linux, every call does nothing and
// returns nil; Watch does so when its context ends. Not done: the descriptor store,
// sockets with Accept=yes, and notifications over vsock.
package systemd
