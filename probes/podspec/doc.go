// Package podspec answers: does this pod spec fit this program?
//
// A program knows its times and Kubernetes counts seconds in YAML, and nobody
// compares the two until something is killed. A [Budget] is the times of one
// program, as plain durations:
//
//	budget := podspec.Budget{GracePeriod: 60 * time.Second, Stops: []time.Duration{20 * time.Second}}
//	err := budget.Write(os.Stdout)          // the probes, to copy: each number with its reason
//	findings, err := budget.Lint(manifest)  // what is wrong with those that are there
//
// What Lint holds against each other:
//
//	the pod                                      the program
//	startupProbe: failureThreshold × period      Start
//	liveness:     failureThreshold × period      MaxAge, and what readiness takes
//	readiness:    periodSeconds                  Delay
//	all three:    timeoutSeconds                 Answer, and their period
//	              path, port                     the paths, AdminPort
//	terminationGracePeriodSeconds                PreStop + GracePeriod, which holds
//	  (preStop comes off it)                       DelayMax + Linger + Stops + Margin
//
// and, without the program: what the API refuses or silently replaces, what the
// kubelet forks for, is deceived by or ignores, and rollouts that stop every instance.
//
// The invariant: Lint finds nothing in what Write has printed.
//
// It is about the one container that the program runs in. It asks no cluster, and
// is no validator: fields that have to do with neither probes nor the stop are not read.
package podspec
