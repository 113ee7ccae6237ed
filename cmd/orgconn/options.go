package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap/zapcore"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
)

// options are the flags of a command that runs a job.
type options struct {
	settings journal.Settings
	getenv   func(string) string // where tenant and credentials come from
	headroom percent
	timeout  time.Duration
	duration time.Duration

	out      string
	note     string
	yes      bool
	lockWait time.Duration
	json     bool
	quiet    bool
	logLevel string
	logAs    string
}

func (o *options) add(flags *pflag.FlagSet) {
	flags.SortFlags = false
	s := &o.settings
	flags.BoolVar(&s.DryRun, "dry-run", false, "read only: outcomes say what would happen")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&s.NoCheck, "no-check", false, "do not read first: no lockout guard, no settings to restore, half the calls; for emergencies")
	flags.BoolVar(&s.AllowLockout, "allow-lockout", false, "also disable an organization's last enabled connection")
	flags.BoolVar(&s.MissingOK, "missing-ok", false, "rows whose organization no longer exists count as ok")
	flags.IntVar(&s.Limit, "limit", 0, "only the first `N` rows of the input (default all)")
	flags.StringVar(&o.out, "out", "", "run directory `DIR` (default orgconn-<tenant>-<UTC time>-<command>)")
	flags.StringVar(&o.note, "note", "", "why: a change ticket, say")
	o.headroom = 0.25
	flags.Var(&o.headroom, "headroom", "share of the tenant's bucket always left to others")
	flags.Float64Var(&s.MaxRPS, "max-rps", 0, "never more than `R` requests per second (default no bound)")
	flags.IntVar(&s.Workers, "workers", 128, "calls in flight at most")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "for one call")
	flags.DurationVar(&o.duration, "max-duration", 0, "stop cleanly after this time (default no bound)")
	flags.IntVar(&s.MaxChanges, "max-changes", 0, "stop before the first write where more than `N` rows would be changed (default no bound)")
	flags.StringVar(&s.MaxFailures, "max-failures", "50%", "stop cleanly after `N or P%` failed rows; 0 never")
	flags.DurationVar(&o.lockWait, "lock-wait", 0, "wait so long for another run on this tenant to end")
	flags.BoolVar(&o.json, "json", false, "print summary.json's object")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, no summary; errors only")
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&o.logAs, "log-format", "", "json or console (default console on a terminal)")
	mustBeTyped(flags, "yes", "no-check", "allow-lockout", "limit")
}

// check refuses values that make no sense, and completes the settings.
func (o *options) check() error {
	s := &o.settings
	_, thresholdErr := batch.ParseThreshold(s.MaxFailures)
	_, levelErr := zapcore.ParseLevel(o.logLevel)
	switch {
	case s.DryRun && s.NoCheck:
		return refused(errors.New("--dry-run and --no-check do not go together: a dry run is the check"), "")
	case s.Limit < 0, s.MaxChanges < 0, s.MaxRPS < 0, o.duration < 0, o.lockWait < 0:
		return refused(errors.New("--limit, --max-changes, --max-rps, --max-duration and --lock-wait take no negative values"), "")
	case s.Workers < 1 || s.Workers > 1024:
		return refused(errors.New("--workers takes 1 to 1024"), "")
	case o.timeout < time.Millisecond:
		return refused(errors.New("--timeout takes a time such as 30s"), "")
	case thresholdErr != nil:
		return refused(fmt.Errorf("--max-failures: %w", thresholdErr), "")
	case levelErr != nil:
		return refused(fmt.Errorf("--log-level: %w", levelErr), "")
	case o.logAs != "" && o.logAs != "json" && o.logAs != "console":
		return refused(errors.New("--log-format takes json or console"), "")
	}
	s.Headroom = float64(o.headroom)
	s.Timeout = o.timeout.String()
	if o.duration > 0 {
		s.MaxDuration = o.duration.String()
	}
	return nil
}

// percent is a share, written "25%". It is a pflag.Value.
type percent float64

// maxHeadroom leaves something of the bucket to this tool.
const maxHeadroom = 90

func (p *percent) String() string {
	return strconv.FormatFloat(float64(*p)*100, 'f', -1, 64) + "%"
}

func (p *percent) Type() string { return "P%" }

func (p *percent) Set(s string) error {
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil || !(v >= 0 && v <= maxHeadroom) {
		return fmt.Errorf("%q is not a share from 0%% to %d%%", s, maxHeadroom)
	}
	*p = percent(v / 100)
	return nil
}
