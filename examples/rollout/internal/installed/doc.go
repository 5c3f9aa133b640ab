// Package installed has carriers of package front that are other people's: nginx and
// HAProxy, if they are installed.
//
//	nginx    one upstream with weights; new configuration and reload. A spare is
//	         proxy_next_upstream, which is off while there is none
//	HAProxy  servers come, go and are weighed at its runtime API. A canary that has a
//	         spare is a backend that tries again, once, and at the other version
//
// Nothing else is tried twice, and nobody is put aside for having failed. What each process
// has answered, the failures that a spare makes good included, is known from their logs.
//
// A reload of nginx closes connections that clients keep, also in the middle of their
// reuse: clients who count what fails bring a connection for each request.
package installed
