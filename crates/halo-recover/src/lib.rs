//! What next after a failure: retry, wait, repair or ask
