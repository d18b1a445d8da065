//! Models of the protocols between the words of a node.
