package reports

// The files of a run directory.
const (
	InputFile   = "input.csv"
	JournalFile = "journal.jsonl"
	ResultsFile = "results.csv"
	PageFile    = "report.html"
	SummaryFile = "summary.json"
)

// Made are the files that Make makes, the last one last.
func Made() []string { return []string{ResultsFile, PageFile, SummaryFile} }
