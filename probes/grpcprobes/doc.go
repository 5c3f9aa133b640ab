// Package grpcprobes has gRPC's health service say what a probes.Set says, without
// importing gRPC:
//
//	rpcHealth := health.NewServer() // google.golang.org/grpc/health
//	follow := grpcprobes.New(set, rpcHealth.SetServingStatus, grpcprobes.Config{})
//
//	lifecycle.Component{Name: "checks", Run: set.Run},
//	lifecycle.Component{Name: "rpc health", Start: follow.Start, Run: follow.Run},
//	lifecycle.Component{Name: "rpc", Start: rpc.Listen, Run: rpc.Serve, Stop: rpc.Shutdown},
//	lifecycle.Component{Name: "ready", Start: set.Ready, Stop: set.Drain},
//
//	service                    starting      serving               draining
//	"", those of Config        NOT_SERVING   as /readyz            NOT_SERVING
//	"readiness"                NOT_SERVING   as /readyz            NOT_SERVING
//	"startup"                  NOT_SERVING   SERVING               SERVING
//	"liveness"                 SERVING, but NOT_SERVING while a liveness check fails
//
// A warning is SERVING. Any other service is NOT_FOUND. A client that watches is told
// when the set turns: of a drain, at the beginning of the shutdown delay. The health
// server's own Shutdown is not needed, and would have liveness fail as well.
//
// What follows readiness is SERVING only while somebody is there to take that back.
// gRPC's server begins with SERVING: Start, before it listens, ends that, and so does
// the end of Run.
//
// A kubelet's livenessProbe has to name its service, "liveness": without a name it asks
// for readiness, and restarts what only drains. Who asks is not known here: Drain does
// not wait for gRPC clients, and they are no requests in the metrics.
package grpcprobes
