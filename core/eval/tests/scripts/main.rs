//! Scripts: what right ones come to, and what is said of wrong ones.

mod kit;
mod mistakes;
mod origins;
mod session;
mod shops;
