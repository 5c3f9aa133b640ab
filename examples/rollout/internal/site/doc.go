// Package site is where a strategy deploys to: a database, a balancer, a load, and
// processes of examples/complete.
//
//	Open ──► World: the program, and a PostgreSQL with a prepared database
//	New ───► Site: a copy of the database, a balancer; Begin: the load
//	         Launch, Roll, Leave, Exits, Pause: what a deployment consists of
//	Finish ► the load ends, and then what is left
//	End ───► nothing is left, whatever has happened
//
// While it waits it tells how it goes, once a second. What ends without being told to ends
// the deployment.
package site
