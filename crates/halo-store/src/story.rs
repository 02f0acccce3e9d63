//! The story every backend must pass.
