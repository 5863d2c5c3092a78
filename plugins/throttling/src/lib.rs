//! Limits on how often requests may come.
