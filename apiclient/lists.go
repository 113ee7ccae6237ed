package apiclient

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// A cursor is where a page of a list begins: the paging part of a query. The
// tenant is asked for checkpoints, since offsets end after 1000 records; where
// it knows none, offsets it is.
const (
	firstCheckpoint = "take=100"
	firstOffset     = "per_page=100&page=0"
)

// listed is a page of a list.
type listed struct {
	items []Named
	next  string // the cursor of the next page; "" where this is the last
}

// accept reads a page of the list under key, for which cursor was sent.
func (l *listed) accept(key, cursor string) func(int, []byte) error {
	return func(status int, body []byte) error {
		if status != http.StatusOK {
			return errUnexpected
		}
		list, around, err := findList(body, key)
		if err != nil {
			return err
		}
		var items []Named
		if json.Unmarshal(list, &items) != nil {
			return errUnexpected
		}
		for _, item := range items {
			if item.ID == "" {
				return errUnexpected
			}
		}
		if l.next, err = nextCursor(cursor, around, len(items)); err == nil {
			l.items = items
		}
		return err
	}
}

// findList finds the list in a body, which comes bare or inside an object, under
// exactly one of the keys; around is that object, nil where there is none.
func findList(body []byte, keys ...string) (list json.RawMessage, around map[string]json.RawMessage, err error) {
	list = bytes.TrimSpace(body)
	if bytes.HasPrefix(list, []byte("{")) {
		if json.Unmarshal(list, &around) != nil {
			return nil, nil, errUnexpected
		}
		list = nil
		for _, key := range keys {
			if value, ok := around[key]; ok && list != nil {
				return nil, nil, errUnexpected
			} else if ok {
				list = value
			}
		}
	}
	// A null would decode to an empty list.
	if !bytes.HasPrefix(list, []byte("[")) {
		return nil, nil, errUnexpected
	}
	return list, around, nil
}

// nextCursor is the cursor behind the page that cursor was sent for, of n items.
func nextCursor(cursor string, around map[string]json.RawMessage, n int) (string, error) {
	var next *string
	if raw, ok := around["next"]; ok && json.Unmarshal(raw, &next) != nil {
		return "", errUnexpected
	}
	if next != nil && *next != "" {
		return firstCheckpoint + "&from=" + url.QueryEscape(*next), nil
	}
	sent, err := url.ParseQuery(cursor)
	if err != nil {
		return "", errUnexpected
	}
	_, hasTotal := around["total"]
	size, _ := strconv.Atoi(sent.Get("per_page"))
	page, _ := strconv.Atoi(sent.Get("page"))
	switch {
	case sent.Has("take") && around != nil && !hasTotal:
		return "", nil
	case sent.Has("take"): // which was ignored, so this is the first page, of the tenant's own size
		size = n
	}
	if n == 0 || n < size || n > PageSize {
		return "", nil
	}
	return "per_page=" + strconv.Itoa(size) + "&page=" + strconv.Itoa(page+1), nil
}
