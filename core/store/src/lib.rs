//! Objects by digest, generations, journal.
