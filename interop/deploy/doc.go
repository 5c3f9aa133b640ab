// Package deploy holds the snippets of examples/deploy against the software that they are
// for, and against the code of this library:
//
//	kubernetes  the API's own types, strictly; podspec; Istio, Gateway API, Flagger, Argo
//	aws         the types of the AWS SDK
//	hosts       nginx -t, haproxy -c, systemd-analyze verify, the loader of Compose
//	prom        the parser of Prometheus, promtool, and the registries of the collectors
//
// The numbers of the library are observed, not written down a second time, and each
// number of a snippet has its reason beside it. It is a module of its own, since the
// types of all these would be in everybody's go.sum.
package deploy
