// Package probes holds the sub-packages of probes against what they are made for: a
// gRPC server with clients that check and watch its health, and HAProxy.
package probes
