//! What a series is like before anybody forecasts it.

pub(crate) mod unit_root;

pub(crate) mod strength;
