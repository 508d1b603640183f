//! Pages of figures: whole, self-contained, the same every time, and drawn for any numbers.

#[path = "common/markup.rs"]
mod markup;

use flate2::read::ZlibDecoder;
use fleetcast_report::{Across, Chart, Figure, FigurePage, Series, figures_html, figures_png, figures_svg};
use jiff::civil::date;
use markup::broken;
use proptest::prelude::*;
use std::io::Read;

fn figure(title: &str, chart: Chart) -> Figure {
    Figure { title: title.to_owned(), note: "Factor on the <load> & more.".to_owned(), chart }
}

fn curves(across: Across, n: usize, names: &[&str]) -> Chart {
    let curve = |name: &&str| Series { name: (*name).to_owned(), values: (0..n).map(|i| (i % 37) as f64).collect() };
    Chart::Curves { across, curves: names.iter().map(curve).collect(), reference: Some(1.0) }
}

fn page() -> FigurePage {
    let names: Vec<String> = ["cpu", "memory", "disk_io", "network"].map(str::to_owned).to_vec();
    let matrix = |value: f64| (0..4).map(|i| (0..4).map(|j| if i == j { 1.0 } else { value }).collect()).collect();
    let first = date(2024, 1, 1);
    FigurePage {
        title: "Profile \"web\"".to_owned(),
        subtitle: "Answers people's requests.".to_owned(),
        figures: vec![
            figure("Day", curves(Across::HoursOfDay { step_minutes: 5.0 }, 289, &["web", "batch", "1 / web"])),
            figure("Week", curves(Across::Days { first, per_day: 24.0 }, 168, &["cpu"])),
            figure("Year", curves(Across::Days { first, per_day: 1.0 }, 366, &["cpu", "memory"])),
            figure("Bars", Chart::Bars { names: names.clone(), values: vec![1.1, 0.9, 1.0, 0.65], base: 1.0 }),
            figure(
                "Matrices",
                Chart::Heat {
                    names,
                    matrices: vec![("asked".to_owned(), matrix(0.5)), ("got".to_owned(), matrix(-0.47))],
                },
            ),
        ],
    }
}

/// The texts of an SVG or a page.
fn texts(markup: &str) -> Vec<&str> {
    markup
        .split("<text ")
        .skip(1)
        .map(|rest| &rest[rest.find('>').expect("tags end") + 1..])
        .map(|rest| &rest[..rest.find('<').expect("elements end")])
        .collect()
}

#[test]
fn page_and_sheet_are_whole_and_fetch_nothing() {
    let (html, svg) = (figures_html(&page()), figures_svg(&page()));
    assert_eq!((broken(&html), broken(&svg)), (None, None));
    for word in ["http:", "https:", "src=", "url(", "@import", "<script", "NaN", "var(--missing"] {
        assert!(!html.contains(word), "{word}");
    }
    // A sheet brings its letters with it.
    assert_eq!(svg.matches("url(data:font/otf;base64,").count(), svg.matches("url(").count());
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && !svg.contains("<image"));
    assert!(html.contains("prefers-color-scheme:dark") && svg.contains("prefers-color-scheme:dark"));
    for text in ["Profile &quot;web&quot;", "Matrices", "&lt;load&gt; &amp; more."] {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn axes_say_hours_weekdays_months_and_values() {
    let svg = figures_svg(&page());
    let texts = texts(&svg);
    for text in ["0\u{a0}h", "24\u{a0}h", "Mon", "Sun", "2024", "Apr", "0.65", "\u{2212}0.47", "1 / web", "network"] {
        assert!(texts.contains(&text), "{text} is not among {texts:?}");
    }
}

/// Width, height and pixels of a PNG of 8 bits per red, green and blue whose rows are differences.
fn decode(file: &[u8]) -> (usize, usize, Vec<u8>) {
    let (signature, mut rest) = file.split_at(8);
    assert_eq!(signature, b"\x89PNG\r\n\x1a\n");
    let (mut size, mut packed) = ((0, 0), Vec::new());
    while !rest.is_empty() {
        let number = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().expect("four bytes")) as usize;
        let length = number(0);
        let (kind, data) = (&rest[4..8], &rest[8..8 + length]);
        let mut crc = flate2::Crc::new();
        crc.update(&rest[4..8 + length]);
        assert_eq!(crc.sum() as usize, number(8 + length), "{kind:?}");
        match kind {
            b"IHDR" => {
                size = (number(8), number(12));
                assert_eq!(data[8..], [8, 2, 0, 0, 0]);
            }
            b"IDAT" => packed.extend_from_slice(data),
            b"IEND" => assert!(data.is_empty()),
            other => panic!("an unknown chunk {other:?}"),
        }
        rest = &rest[12 + length..];
    }
    let mut filtered = Vec::new();
    ZlibDecoder::new(&packed[..]).read_to_end(&mut filtered).expect("what was packed can be unpacked");
    let row_bytes = 3 * size.0;
    let mut pixels: Vec<u8> = Vec::new();
    for row in filtered.chunks_exact(row_bytes + 1) {
        assert_eq!(row[0], 2);
        let above = pixels.len().checked_sub(row_bytes);
        let value = |(i, byte): (usize, &u8)| byte.wrapping_add(above.map_or(0, |start| pixels[start + i]));
        let decoded: Vec<u8> = row[1..].iter().enumerate().map(value).collect();
        pixels.extend(decoded);
    }
    (size.0, size.1, pixels)
}

#[test]
fn a_png_holds_the_sheet() {
    let file = figures_png(&page()).unwrap();
    let (width, height, pixels) = decode(&file);
    assert_eq!(pixels.len(), 3 * width * height);
    let svg = figures_svg(&page());
    let says = |name: &str| {
        svg.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned)
    };
    let doubled = |text: Option<String>| (2.0 * text.unwrap().parse::<f64>().unwrap()).ceil() as usize;
    assert_eq!((width, height), (doubled(says("width")), doubled(says("height"))));
    // The ground is white; letters and curves have their colours.
    let count = |colour: [u8; 3]| pixels.chunks_exact(3).filter(|pixel| *pixel == colour).count();
    assert!(count([255, 255, 255]) > pixels.len() / 3 / 2);
    assert!(count([0x16, 0x1b, 0x26]) > 1_000, "letters in ink");
    assert!(count([0x1a, 0x5f, 0xb4]) > 5_000, "the first curve");
    assert_eq!(figures_png(&page()).unwrap(), file);
    assert!(figures_png(&FigurePage { title: String::new(), subtitle: String::new(), figures: vec![] }).is_none());
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e3f64..1e3,
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::MIN), Just(f64::MAX), Just(0.0), Just(1e-300)],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_numbers_are_drawn(
        values in prop::collection::vec(numbers(), 0..30),
        per_day in 0.01f64..300.0,
        base in numbers(),
    ) {
        let first = date(2024, 2, 28);
        let series = vec![Series { name: "<a>".to_owned(), values: values.clone() }; 2];
        let names: Vec<String> = values.iter().map(|value| format!("{value}")).collect();
        let across = Across::Days { first, per_day };
        let side = values.len().min(4);
        let rows = vec![values[..side].to_vec(); side];
        let page = FigurePage {
            title: "any".to_owned(),
            subtitle: String::new(),
            figures: vec![
                figure("curves", Chart::Curves { across, curves: series, reference: Some(base) }),
                figure("bars", Chart::Bars { names: names.clone(), values, base }),
                figure("heat", Chart::Heat { names: names[..side].to_vec(), matrices: vec![("m".to_owned(), rows)] }),
            ],
        };
        let (html, svg) = (figures_html(&page), figures_svg(&page));
        prop_assert_eq!((broken(&html), broken(&svg)), (None, None));
        prop_assert!(!svg.contains("\"NaN") && !svg.contains("\"inf"), "a coordinate is no number");
        prop_assert!(figures_png(&page).is_some());
    }
}
