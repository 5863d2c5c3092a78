//! Nothing: the tests stand in `it.rs`.
