package main

// noCoreFile does nothing: Windows writes no such file by default.
func noCoreFile() {}
