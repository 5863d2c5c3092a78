//! Cache and sessions.
