//! The command `ecgnet`.
