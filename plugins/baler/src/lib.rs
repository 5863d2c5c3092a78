//! JavaScript bundling.
