package simulator

import "net/http"

// problemBody is an error body of the Management API.
type problemBody struct {
	StatusCode int               `json:"statusCode"`
	Error      string            `json:"error"`
	Message    string            `json:"message"`
	ErrorCode  string            `json:"errorCode,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

func problem(status int, code, message string) reply {
	return jsonReply(status, problemBody{
		StatusCode: status, Error: statusText(status), Message: message, ErrorCode: code})
}

// unauthorized is a 401, which repeats its message in the attributes.
func unauthorized(message string) reply {
	return jsonReply(http.StatusUnauthorized, problemBody{
		StatusCode: http.StatusUnauthorized, Error: "Unauthorized", Message: message,
		Attributes: map[string]string{"error": message}})
}

func noSuchOrganization() reply {
	return problem(http.StatusNotFound, "", "No organization found by that id or name")
}

func noSuchConnection() reply {
	return problem(http.StatusNotFound, "inexistent_connection", "The connection does not exist")
}

// noSuchLink is recorded for GET of a pair that is not enabled.
func noSuchLink() reply {
	return problem(http.StatusNotFound, "", "No connection found by that id")
}

func badQuery(message string) reply {
	return problem(http.StatusBadRequest, "invalid_query_string", "Query validation error: "+message)
}

func badBody(message string) reply {
	return problem(http.StatusBadRequest, "invalid_body", message)
}

// statusText is http.StatusText and the names that Cloudflare gives to its own
// codes.
func statusText(status int) string {
	switch status {
	case 520:
		return "Web server is returning an unknown error"
	case 521:
		return "Web server is down"
	case 522:
		return "Connection timed out"
	case 523:
		return "Origin is unreachable"
	case 524:
		return "A timeout occurred"
	}
	return http.StatusText(status)
}
