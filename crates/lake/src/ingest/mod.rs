//! Ingest.
mod cells;
mod units;
