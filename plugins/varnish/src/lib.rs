//! The cache in front of the shop.
