// Package probestest is a fake kubelet: it asks a program's probes as the real
// one does (Kubernetes 1.37), makes the pod ready, kills its container, deletes it.
//
//	synctest.Test(t, func(t *testing.T) {
//		pod := probestest.New(health.Handler(), probestest.Config{
//			Startup:   probestest.Probe{Path: "/startupz", Period: time.Second, FailureThreshold: 60},
//			Liveness:  probestest.Probe{Path: "/livez"},
//			Readiness: probestest.Probe{Path: "/readyz", Period: 2 * time.Second},
//			Program:   run, // its context ends with SIGTERM
//		})
//		time.AfterFunc(time.Minute, pod.Terminate) // kubectl delete pod
//		require.NoError(t, pod.Run(t.Context()))
//		require.Equal(t, []string{"0s container started", "3s started", "3s ready", ...}, pod.Events())
//	})
//
// Requests are real HTTP over connections in memory, so a body that stalls, is
// cut, or never ends is one. What becomes of an answer:
//
//	200 to 299                   success
//	300 to 399                   success with a warning, a redirect to another host too
//	a redirect to the same host  followed; the tenth in a row is a failure
//	400 and more, no answer      failure; when FailureThreshold of them come in a row,
//	                             readiness: not ready; startup, liveness: SIGTERM, SIGKILL, restart
//	a body that stalls, is cut   asked three times, then thrown away: the old state stays, be it ready
//
// Liveness and readiness wait for startup. A pod that is deleted is no longer
// asked for startup and liveness, but for readiness to its end. The invariant: no
// probe of a pod is asked twice at the same time, and when Run returns nothing of
// the pod is left.
//
// Startup is asked 1 ms, liveness 2 ms, readiness 3 ms after the container's start
// or what else calls for it: what a test does at a whole second comes before the
// probes of that second, and a diary is the same each time.
//
// Not done: exec, tcpSocket, grpc and https probes, preStop, several containers, the
// way of an endpoint through the cluster, restarts of the kubelet (which change nothing
// since 1.35).
package probestest
