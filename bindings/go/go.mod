module rask.dev/rask

go 1.24
