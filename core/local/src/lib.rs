//! The provider for this machine.
