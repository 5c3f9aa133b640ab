// Package dialect answers for readiness in the codes of balancers that know more
// than yes and no:
//
//	             pass   warn   fail   draining
//	/readyz      200    200    503    503
//	Consul       200    429    503    503   429 is its state "warning"
//	HAProxy      200    200    503    404   404 is its state NOLB
//
// Each is served beside /readyz and not instead, as what one of them understands the
// next takes for a failure: a kubelet fails at 400 and above.
//
//	mux := http.NewServeMux()
//	mux.Handle("/", health.Handler())
//	mux.Handle("/readyz/haproxy", dialect.HAProxy(health))
//
// Their paths are exact. But for the code an answer is that of /readyz, and the set
// takes notice of it in the same way: whoever was told 404 or 503 has been told, and
// Drain waits for that; whoever was told 429 may send.
//
// Envoy, AWS and Google need none of this. They understand /readyz.
package dialect
