package rask

// StructSizes is for the test of the header.
var StructSizes = structSizes
