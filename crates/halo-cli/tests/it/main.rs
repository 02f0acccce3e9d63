//! The binary as a whole, from outside.

mod browser;
mod command_line;
mod kill;
mod process;
