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

// WriteMetrics puts what s says into the file at path, in the text format of
// Prometheus, for the node exporter's textfile collector. Series of other
// commands and tenants stay as they are, and so do those that s says nothing
// about: the last success of a run that failed, and the figures of one that was
// refused before it began, which has no StartedAt. FinishedAt and ExitCode
// must be set. A file of another format is left alone and is an error. Processes
// that write the same file at the same instant may lose each other's series.
func WriteMetrics(path string, s *Summary) error {
	former, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the metrics file: %w", err)
	}
	m, err := parseMetrics(former)
	if err != nil {
		return fmt.Errorf("%s is no metrics file: %w", path, err)
	}
	m.update(s)
	return replace(path, func(w *bufio.Writer) error { return m.write(w) })
}

// metrics are a metrics file's families by name.
type metrics map[string]*dto.MetricFamily

func parseMetrics(text []byte) (metrics, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(text))
}

// update replaces what the file says of the command in the tenant.
func (m metrics) update(s *Summary) {
	command := journal.Label(s.Command, s.DryRun)
	own := []*dto.LabelPair{label("command", command), label("tenant", s.Tenant)}
	if !s.StartedAt.IsZero() {
		m.replaceGauges("orgconn_rows", "Rows of the list by outcome, in the last run that began.", own, rowGauges(s))
		m.replaceGauges("orgconn_calls", "Calls to the Management API in the last run that began.", own, []gauge{
			{float64(s.Calls.Reads), label("kind", "read")},
			{float64(s.Calls.Writes), label("kind", "write")},
		})
		m.replaceGauges("orgconn_rate_limited_calls", "Calls answered by 429 in the last run that began.", own, one(float64(s.Calls.RateLimited)))
		m.replaceGauges("orgconn_run_duration_seconds", "Time at work of the last run that began.", own, one(s.DurationS))
	}
	finished := float64(s.FinishedAt.Unix())
	m.replaceGauges("orgconn_exit_code", "Exit code of the last run.", own, one(float64(*s.ExitCode)))
	m.replaceGauges("orgconn_last_run_timestamp_seconds", "End of the last run.", own, one(finished))
	if *s.ExitCode == journal.ExitOK {
		m.replaceGauges("orgconn_last_success_timestamp_seconds", "End of the last run with exit code 0.", own, one(finished))
	}
}

// gauge is a value, and what tells it from the others of its family.
type gauge struct {
	value  float64
	detail *dto.LabelPair // may be nil
}

func one(value float64) []gauge { return []gauge{{value: value}} }

// rowGauges has every outcome, also those of no row: a series that comes and
// goes is bad for alert rules.
func rowGauges(s *Summary) []gauge {
	var gauges []gauge
	for _, outcome := range journal.Outcomes() {
		gauges = append(gauges, gauge{float64(s.Outcomes[outcome]), label("outcome", string(outcome))})
	}
	return gauges
}

// replaceGauges gives a family these gauges for the ones that have all labels
// of own.
func (m metrics) replaceGauges(name, help string, own []*dto.LabelPair, gauges []gauge) {
	family := m[name]
	if family == nil {
		family = &dto.MetricFamily{}
		m[name] = family
	}
	family.Name, family.Help, family.Type = new(name), new(help), dto.MetricType_GAUGE.Enum()
	family.Metric = slices.DeleteFunc(family.Metric, func(metric *dto.Metric) bool { return hasLabels(metric, own) })
	for _, g := range gauges {
		labels := slices.Clone(own)
		if g.detail != nil {
			labels = append(labels, g.detail)
		}
		family.Metric = append(family.Metric, &dto.Metric{Label: labels, Gauge: &dto.Gauge{Value: new(g.value)}})
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

// write writes the families by name, so that a file differs only where it has
// to.
func (m metrics) write(w io.Writer) error {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if len(m[name].Metric) == 0 {
			continue // a HELP line alone
		}
		if _, err := expfmt.MetricFamilyToText(w, m[name]); err != nil {
			return err
		}
	}
	return nil
}
