//! The application's web server, with PHP that says what it was told.
