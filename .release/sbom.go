package main

import (
	"encoding/json"
	"errors"
	"os"
)

// neutralize removes the hashes of the tool that made a CycloneDX file. The tool is
// compiled where it runs, so they differ from machine to machine.
func neutralize(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var bom map[string]any
	if err := json.Unmarshal(text, &bom); err != nil {
		return err
	}
	metadata, _ := bom["metadata"].(map[string]any)
	tools, ok := metadata["tools"].([]any)
	if !ok || bom["serialNumber"] != nil || metadata["timestamp"] != nil {
		return errors.New(path + " lacks its tools, or has a serial number or a time")
	}
	for _, tool := range tools {
		delete(tool.(map[string]any), "hashes")
	}
	text, err = json.MarshalIndent(bom, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
