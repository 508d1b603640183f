//! Tables of the fleet: Delta Lake, ingest of telemetry, SQL. The only crate that knows Arrow and the query engine.
