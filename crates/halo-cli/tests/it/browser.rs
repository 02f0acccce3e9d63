//! The pages in a real Chromium, by the hands of a person: what is read here was read from the
//! page, and what is compared with it was taken from the simulator's journal, not from Halo.

mod app;
mod driver;
mod page;
mod seed;
mod stage;

mod around;
mod axe;
mod composer;
mod conversation;
mod figures;
mod first_run;
mod hard;
mod help;
mod looks;
mod remote;
mod rows;
mod settings;
mod streams;
mod teach;
