//! Redirects by country and language.
