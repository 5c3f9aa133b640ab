package probes

import (
	"errors"
	"fmt"

	"github.com/handover-go/handover/probes/internal/answer"
)

// ReasonError is what a check returns that has a word for what is wrong:
//
//	return &probes.ReasonError{Reason: "saturated", Degrading: true, Err: err}
type ReasonError struct {
	// Reason is public: probers read it, and metrics have it as a label, so there
	// should be few of them. 1 to 63 of a-z, 0-9, ".", "_", "-", and none of
	// "pending", "stale" and "suppressed"; all else is shown as "error".
	Reason string
	// Degrading makes this failure a warning, whatever the check's Impact: it
	// works, but not well.
	Degrading bool
	// Err is for the log and for the admin's page; nil is fine.
	Err error
}

// Error is the reason and the cause.
func (e *ReasonError) Error() string {
	switch {
	case e == nil:
		return "nil" // a check that returns it as an error has failed all the same
	case e.Err == nil:
		return e.Reason
	}
	return fmt.Sprintf("%s: %v", e.Reason, e.Err)
}

// Unwrap is the cause.
func (e *ReasonError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// coded is the code and the mildness that an error brings with it.
func coded(err error) (reason answer.Reason, mild bool) {
	e, ok := errors.AsType[*ReasonError](err)
	switch {
	case !ok || e == nil:
		return answer.Failed, false
	case !validName.MatchString(e.Reason), answer.Reason(e.Reason).Reserved():
		return answer.Failed, e.Degrading
	}
	return answer.Reason(e.Reason), e.Degrading
}
