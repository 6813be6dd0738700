// Package archive keeps what has left the store in files that are only ever
// added: an enroll.Archive in a local folder.
//
//	DIR/certificates/FIRST-SHA256.jsonl.zst
//	DIR/records/FIRST-SHA256.jsonl.zst
//
// FIRST is the file's lowest key and SHA256 that of its bytes, both in
// hexadecimal: sha256sum tells whether a file is whole.
//
// A file is in zstd's seekable format, so that "zstd -dc FILE" prints it whole,
// as JSON Lines sorted by key:
//
//	{"key":"hexadecimal","value":{…}}
//
// Some 256 lines make one zstd frame, which has a checksum and can be read
// without the others. Two skippable frames, which zstd passes over, follow:
//
//	index       magic 0x184D2A5D; SHA-256 of the rest, 32 octets; the rest, as
//	            JSON: kind, number of items, last key, and for each frame its
//	            first key and number of items
//	seek table  magic 0x184D2A5E; the length of each frame before it, compressed
//	            and not (zstd, contrib/seekable_format/zstd_seekable_compression_format.md)
//
// Reading one item takes the tail of the file, which is remembered, and one
// frame.
package archive
