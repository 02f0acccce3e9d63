//! Halo's store on SQLite
