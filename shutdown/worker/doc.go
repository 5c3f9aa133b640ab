// Package worker stops what takes its work by itself: the consumers of a queue,
// periodic tasks, work that outlives its request.
//
//	t0   SIGTERM          Pause: pull's context ends, no new job is taken
//	..   its turn         what is in flight goes on while the servers drain
//	t1   Shutdown         the jobs are told by shutdown.Draining, and finish
//	t2   margin ≤ 1 s     do's context ends; what is not done is handed back
//	t3   deadline         who is still at work is named: job, age, stack
//
// Pull workers need no delay at the signal, unlike servers: nobody has to be told
// not to send. The invariant: a job that pull has returned is done, handed back,
// given to Config.Failed, or named in the error of Shutdown.
//
// Whatever runs in the background needs the right one of four contexts:
//
//	context   ends                        is for                         the wrong one
//	process   at the signal               the wait for the end in main,  as the BaseContext of a server, or of
//	          (shutdown.Notify)           nothing that serves or works   jobs: kills at t0 what is in flight
//	Run's     after its component's Stop  loops, tickers, jobs: it has   of context.Background: the loop never
//	          (lifecycle)                 the values, not the signal     ends, or is cut in the middle at exit
//	request   when the handler returns,   what the client waits for      for a goroutine that goes on after the
//	          or the client goes away                                    answer: cancelled with it. It needs
//	                                                                     context.WithoutCancel, and a
//	                                                                     shutdown.Tracker or a Queue
//	stop      at the deadline             Stop, Shutdown, HandBack       derived from the process's: has ended
//	          (lifecycle)                                                before it begins (go-kratos/kratos#3695)
//
// A job's own context is Run's that ends a margin before the stop's. A loop
// without a Pool is a Run that selects on its context; it has no Stop, so that its
// context ends at its turn. A time.Ticker's channel with Chan is a periodic task.
//
// It keeps no job: what a Queue holds dies with a process that is killed.
package worker
