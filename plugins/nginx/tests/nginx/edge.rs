//! The edge, with an echo where the cache would stand.
