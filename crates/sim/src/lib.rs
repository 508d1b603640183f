//! Realistic fleet telemetry whose truth is known: a scenario and a seed become samples.
