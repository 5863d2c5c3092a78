//! Script text in, site out.
