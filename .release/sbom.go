package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// neutralize makes a CycloneDX file the same on every machine, and corrects licences in
// it. The tool that made it is compiled where it runs, so its hashes differ.
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
	program, hasProgram := metadata["component"].(map[string]any)
	if !ok || !hasProgram || bom["serialNumber"] != nil || metadata["timestamp"] != nil {
		return errors.New(path + " lacks its tools or its program, or has a serial number or a time")
	}
	for _, tool := range tools {
		delete(tool.(map[string]any), "hashes")
	}
	setLicense(program, "Apache-2.0")
	if err := correctLicenses(bom); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	text, err = json.MarshalIndent(bom, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// correctLicenses sets the licence of what the Go project made. The tool does not look
// at the standard library, and takes the licence of the other modules for a similar one.
func correctLicenses(bom map[string]any) error {
	components, _ := bom["components"].([]any)
	for _, c := range components {
		component := c.(map[string]any)
		name, _ := component["name"].(string)
		switch {
		case name == "std" || strings.HasPrefix(name, "golang.org/x/"):
			setLicense(component, "BSD-3-Clause")
		case component["evidence"] == nil:
			return fmt.Errorf("no licence of %s was found", name)
		}
	}
	return nil
}

// setLicense says that a component has a licence, in place of what the tool found.
func setLicense(component map[string]any, id string) {
	delete(component, "evidence")
	component["licenses"] = []any{map[string]any{"license": map[string]any{"id": id}}}
}
