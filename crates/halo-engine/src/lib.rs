//! Runs turns: store, transport, recovery and view behind one API
