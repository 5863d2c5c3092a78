//! TLS edge and application web server.
