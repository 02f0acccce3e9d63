//! A provider that fails on demand
