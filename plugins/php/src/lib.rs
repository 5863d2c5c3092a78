//! PHP-FPM and its limits.
