module rask.dev/examples

go 1.24

require rask.dev/rask v0.0.0

replace rask.dev/rask => ../../bindings/go
