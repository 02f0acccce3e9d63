//! Reads any model-provider API error: evidence in, diagnosis out
