//! Forecasting methods, one module each, and joint paths.
