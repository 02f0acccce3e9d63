//! Pages for people
