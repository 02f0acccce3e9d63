//! The chores, and the shape of the workspace.

mod dependencies;
mod survival;
