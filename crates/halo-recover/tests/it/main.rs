//! The recovery machine from outside.

mod model;
