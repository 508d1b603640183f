//! Tables, charts and the HTML report, all as text.
