//! Rolling-origin evaluation: forecasts at past cutoffs, scores, weights and calibration, over any `&dyn Model`.
