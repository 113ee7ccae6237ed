package batch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient"
)

// scoper answers with one error after the other, and then with scopes.
type scoper struct {
	errs  []error
	asked int
}

func (s *scoper) Scopes(context.Context) ([]string, bool, error) {
	s.asked++
	if s.asked <= len(s.errs) {
		return nil, false, s.errs[s.asked-1]
	}
	return []string{"read:logs"}, true, nil
}

// The token is asked for again as often as a row's call, but not where it was refused:
// wrong credentials are told at once, and lock nobody out.
func TestScopesAreAskedForAgain(t *testing.T) {
	faults := func(n int, class apiclient.Class) (errs []error) {
		for range n {
			errs = append(errs, &apiclient.Error{Class: class})
		}
		return errs
	}
	for name, c := range map[string]struct {
		errs  []error
		asked int
		fails bool
	}{
		"at once":       {nil, 1, false},
		"after a fault": {faults(1, apiclient.Transient), 2, false},
		"at last":       {faults(maxFaults-1, apiclient.Transient), maxFaults, false},
		"not at all":    {faults(maxFaults, apiclient.Transient), maxFaults, true},
		"refused":       {faults(1, apiclient.Unauthorized), 1, true},
		"no such host":  {faults(1, apiclient.Unreachable), 1, true},
		"a bug":         {[]error{errors.New("a bug")}, 1, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &scoper{errs: c.errs}
			if scopes, known, err := Scopes(t.Context(), s); (err != nil) != c.fails || s.asked != c.asked || known == c.fails || (len(scopes) == 1) == c.fails {
				t.Errorf("%s: %v, %v, asked %d times", name, scopes, err, s.asked)
			}
		})
	}
}

// The token endpoint says when to come again.
func TestScopesWaitAsAskedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, _, err := Scopes(t.Context(), &scoper{errs: []error{&apiclient.Error{Class: apiclient.Transient, RetryAfter: 20 * time.Second}}})
		if waited := time.Since(start); err != nil || waited < 20*time.Second || waited > 22*time.Second {
			t.Errorf("%v, after %s", err, waited)
		}
	})
}

// A signal ends the wait before a repetition.
func TestScopesAreInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("interrupted"))
		start := time.Now()
		_, _, err := Scopes(ctx, &scoper{errs: []error{&apiclient.Error{Class: apiclient.Transient}}})
		if err == nil || time.Since(start) > 0 {
			t.Errorf("%v, after %s", err, time.Since(start))
		}
	})
}
