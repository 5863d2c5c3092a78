//! Digests of files that have not changed, remembered by what the file system says of them, like git's index.
