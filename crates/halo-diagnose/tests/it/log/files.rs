//! Whole logs with what must be found in them.
