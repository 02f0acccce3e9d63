//! The provider protocols as machines over bytes: encode and decode, no I/O
