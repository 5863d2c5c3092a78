//! Graph and state in, plan out.
