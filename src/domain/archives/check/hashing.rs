//! Hashing many files at once.
