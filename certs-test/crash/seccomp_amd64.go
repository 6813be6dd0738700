package main

// seccompCall is the number of seccomp(2), which package syscall does not have.
const seccompCall = 317
