//! Message queue and its consumers.
