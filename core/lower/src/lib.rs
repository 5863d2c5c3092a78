//! Site in, graph out.
