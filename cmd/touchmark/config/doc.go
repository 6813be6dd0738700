// Package config is touchmark.yaml: [File] is what is written in it, key by key,
// and [Settings] what it means once everything in it was found right.
//
//	Read   bytes -> File       bounded, strict: an unknown key is a fault
//	Check  File  -> Settings   every fault at once, with its key and how to mend it
//
// Paths are relative to the folder that the file lies in, so that a whole lab
// can be moved.
package config
