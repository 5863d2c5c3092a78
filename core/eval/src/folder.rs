//! A folder of the file system as sources.
/// A folder.
pub struct Folder;
