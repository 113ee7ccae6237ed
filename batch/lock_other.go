//go:build !unix

package batch

// noFollow has no equivalent here, and temporary folders are the user's own.
const noFollow = 0
