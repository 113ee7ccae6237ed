package simulator

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// page is the part of a list that a request asks for.
type page struct {
	start      int
	size       int
	totals     bool // the object form, with start, limit and total
	checkpoint bool // the object form, with next
}

// maxOffset is where Auth0's offset paging ends, in records.
const maxOffset = 1000

// readPage reads the paging parameters: offset paging, unless take or from asks
// for checkpoints.
func readPage(query url.Values) (p page, refusal *reply) {
	if query.Has("take") || query.Has("from") {
		return readCheckpoint(query)
	}
	number, refusal := queryInt(query, "page", 0, 0, maxOffset)
	if refusal != nil {
		return page{}, refusal
	}
	size, refusal := queryInt(query, "per_page", 50, 1, 100)
	if refusal != nil {
		return page{}, refusal
	}
	if (number+1)*size > maxOffset {
		return page{}, new(problem(http.StatusBadRequest, "", fmt.Sprintf(
			"Requesting page %d exceeds the allowed maximum of %d records. To fetch results beyond %d, use the checkpoint pagination method.",
			number, maxOffset, maxOffset)))
	}
	return page{start: number * size, size: size, totals: query.Get("include_totals") == "true"}, nil
}

func readCheckpoint(query url.Values) (page, *reply) {
	size, refusal := queryInt(query, "take", 50, 1, 100)
	if refusal != nil {
		return page{}, refusal
	}
	start, err := decodeCursor(query.Get("from"))
	if err != nil {
		return page{}, new(badQuery("'Invalid checkpoint' on property from."))
	}
	return page{start: start, size: size, checkpoint: true}, nil
}

func queryInt(query url.Values, name string, preset, least, most int) (int, *reply) {
	text := query.Get(name)
	if text == "" {
		return preset, nil
	}
	n, err := strconv.Atoi(text)
	message := ""
	switch {
	case err != nil:
		message = fmt.Sprintf("'Expected type integer but found type string' on property %s.", name)
	case n < least:
		message = fmt.Sprintf("'Value %d is less than minimum %d' on property %s.", n, least, name)
	case n > most:
		message = fmt.Sprintf("'Value %d is greater than maximum %d' on property %s.", n, most, name)
	default:
		return n, nil
	}
	return 0, new(badQuery(message))
}

// window cuts the page out of a list.
func window[T any](p page, list []T) []T {
	start := min(p.start, len(list))
	return list[start:min(start+p.size, len(list))]
}

// listReply is a 200 with one page of a list of total records, under a key
// where the form is an object.
func listReply[T any](p page, key string, items []T, total int) reply {
	if items == nil {
		items = []T{}
	}
	body := map[string]any{key: items}
	switch {
	case p.checkpoint:
		if end := p.start + len(items); end < total {
			body["next"] = encodeCursor(end)
		}
	case p.totals:
		// limit is recorded as the number of rows returned, not per_page.
		body["start"], body["limit"], body["total"] = p.start, len(items), total
	default:
		return jsonReply(http.StatusOK, items)
	}
	return jsonReply(http.StatusOK, body)
}

func encodeCursor(position int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "at:%d", position))
}

func decodeCursor(cursor string) (position int, err error) {
	if cursor == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	if _, err = fmt.Sscanf(string(text), "at:%d", &position); err == nil && position < 0 {
		err = strconv.ErrRange
	}
	return position, err
}
