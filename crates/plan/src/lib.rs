//! Forecasts become an outlook per server: risk of crossing, behaviour groups, right-sizing with dollars.
