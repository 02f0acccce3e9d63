//! The store trait, its record format and its conformance story
