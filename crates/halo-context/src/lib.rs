//! What to send: log, branch, steps and facts in, request out
