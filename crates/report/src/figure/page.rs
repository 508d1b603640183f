//! The figures as one HTML page.

use super::{FigurePage, chart, sheet};
use askama::Template;

/// The figures as one HTML file that fetches nothing, light and dark, from a phone's width on.
pub fn figures_html(page: &FigurePage) -> String {
    let cards = page
        .figures
        .iter()
        .map(|figure| Card {
            title: &figure.title,
            note: &figure.note,
            chart: sheet::inline(&chart::draw(&figure.chart), &figure.title),
        })
        .collect();
    let page = Page { title: &page.title, subtitle: &page.subtitle, inks: sheet::stylesheet(), cards };
    page.render().expect("writing to a string cannot fail")
}

#[derive(Template)]
#[template(path = "figures.html")]
struct Page<'a> {
    title: &'a str,
    subtitle: &'a str,
    inks: String,
    cards: Vec<Card<'a>>,
}

struct Card<'a> {
    title: &'a str,
    note: &'a str,
    chart: String,
}
