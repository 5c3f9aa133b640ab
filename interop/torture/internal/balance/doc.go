// Package balance puts something in front of the processes: real HAProxy, real
// nginx, or nothing but a client's own list of addresses.
//
// None of them may hide a loss: nothing is tried twice and nobody is put aside
// for having failed. A process is in rotation from Add to Remove, and who calls
// Remove says when the news has arrived.
//
//	direct       clients open connections to one endpoint after the other, as
//	             behind kube-proxy; what is open stays open
//	haproxy      mode http, connections to the service are shared; HTTP/2 and gRPC
//	             are spoken on both sides
//	haproxy-tcp  mode tcp
//	nginx        proxy_pass with kept connections, grpc_pass; new configuration and
//	             reload. Its own clients bring a connection for each request, since
//	             a reload closes kept ones in the middle of their reuse
//	nginx-tcp    stream
package balance
