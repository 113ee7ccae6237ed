package reports

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/orgconn/orgconn/batch/journal"
)

// WriteMetrics updates the metrics file at path with the result of a run. The file
// has the text format of Prometheus, for the node exporter's textfile collector.
// s.FinishedAt and s.ExitCode must be set.
//
// Series of other commands and tenants stay. The time of the last success stays if
// the run failed. The counts and the duration stay if the run was refused before it
// began, which a zero s.StartedAt says. A file of another format is an error and is
// not changed. A new file can be read by every user, as the node exporter is another
// one. Processes that write the same file at the same time may lose each
// other's series.
func WriteMetrics(path string, s *Summary) error {
	text, err := os.ReadFile(path)
	isNew := errors.Is(err, fs.ErrNotExist)
	if err != nil && !isNew {
		return fmt.Errorf("read the metrics file: %w", err)
	}
	m, err := parseMetrics(text)
	if err != nil {
		return fmt.Errorf("%s is not a metrics file: %w", path, err)
	}
	m.update(s)
	f, err := NewPendingFile(path)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if isNew {
		_ = f.Chmod(0o644) // the umask may have removed permissions; not every file system has them
	}
	return complete(f, path, func(w *bufio.Writer) error { return m.write(w) })
}

// metrics are the families of a metrics file, by name.
type metrics map[string]*dto.MetricFamily

func parseMetrics(text []byte) (metrics, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(text))
}

// update replaces the series of the command in the tenant.
func (m metrics) update(s *Summary) {
	command := s.Label().String()
	labels := []*dto.LabelPair{label("command", command), label("tenant", s.Tenant)}
	if !s.StartedAt.IsZero() {
		m.replaceGauges("orgconn_rows", "Rows of the list by outcome, in the last run that began.", labels, rowGauges(s)...)
		m.replaceGauges("orgconn_calls", "Calls to the Management API in the last run that began.", labels,
			gauge{float64(s.Calls.Reads), label("kind", "read")},
			gauge{float64(s.Calls.Writes), label("kind", "write")})
		m.replaceGauges("orgconn_rate_limited_calls", "Calls answered by 429 in the last run that began.", labels, gauge{value: float64(s.Calls.RateLimited)})
		m.replaceGauges("orgconn_run_duration_seconds", "Time at work of the last run that began.", labels, gauge{value: s.DurationS})
	}
	finished := float64(s.FinishedAt.Unix())
	m.replaceGauges("orgconn_exit_code", "Exit code of the last run.", labels, gauge{value: float64(*s.ExitCode)})
	m.replaceGauges("orgconn_last_run_timestamp_seconds", "End of the last run.", labels, gauge{value: finished})
	if *s.ExitCode == journal.ExitOK {
		m.replaceGauges("orgconn_last_success_timestamp_seconds", "End of the last run with exit code 0.", labels, gauge{value: finished})
	}
}

// gauge is a value, with the label that distinguishes it from others of its family.
type gauge struct {
	value float64
	label *dto.LabelPair // nil: it is the only one
}

// rowGauges has a gauge for every outcome, even if no row has it: alert rules need
// series that do not come and go.
func rowGauges(s *Summary) []gauge {
	var gauges []gauge
	for _, outcome := range journal.Outcomes() {
		gauges = append(gauges, gauge{float64(s.Outcomes[outcome]), label("outcome", string(outcome))})
	}
	return gauges
}

// replaceGauges replaces a family's gauges that have all these labels.
func (m metrics) replaceGauges(name, help string, labels []*dto.LabelPair, gauges ...gauge) {
	family := m[name]
	if family == nil {
		family = &dto.MetricFamily{}
		m[name] = family
	}
	family.Name, family.Help, family.Type = new(name), new(help), dto.MetricType_GAUGE.Enum()
	family.Metric = slices.DeleteFunc(family.Metric, func(metric *dto.Metric) bool { return hasLabels(metric, labels) })
	for _, g := range gauges {
		all := slices.Clone(labels)
		if g.label != nil {
			all = append(all, g.label)
		}
		family.Metric = append(family.Metric, &dto.Metric{Label: all, Gauge: &dto.Gauge{Value: new(g.value)}})
	}
}

func label(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: new(name), Value: new(value)}
}

func hasLabels(metric *dto.Metric, labels []*dto.LabelPair) bool {
	for _, want := range labels {
		if !slices.ContainsFunc(metric.Label, func(has *dto.LabelPair) bool {
			return has.GetName() == want.GetName() && has.GetValue() == want.GetValue()
		}) {
			return false
		}
	}
	return true
}

// write writes the families in the order of their names, so that two files differ
// only in what changed.
func (m metrics) write(w io.Writer) error {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if len(m[name].Metric) == 0 {
			continue // the file had only a HELP line
		}
		if _, err := expfmt.MetricFamilyToText(w, m[name]); err != nil {
			return err
		}
	}
	return nil
}
