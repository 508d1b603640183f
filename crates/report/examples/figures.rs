//! Writes a page, an SVG and a PNG of made-up figures, to look at.

use fleetcast_report::{Across, Chart, Figure, FigurePage, Series, figures_html, figures_png, figures_svg};

fn main() -> std::io::Result<()> {
    let wave = |shift: i32| (0..289).map(|i| 1.0 + 0.2 * f64::from((i + shift) % 144 - 72).abs() / 72.0).collect();
    let curves = vec![
        Series { name: "web".to_owned(), values: wave(0) },
        Series { name: "application".to_owned(), values: wave(40) },
        Series { name: "database".to_owned(), values: wave(80) },
        Series { name: "batch".to_owned(), values: wave(120) },
    ];
    let first = jiff::civil::date(2024, 1, 1);
    let year = (0..366).map(|i| 30.0 + f64::from(i * i % 97) / 10.0).collect();
    let matrix = vec![vec![1.0, 0.5, -0.2], vec![0.5, 1.0, 0.0], vec![-0.2, 0.0, 1.0]];
    let figure = |title: &str, chart| Figure { title: title.to_owned(), note: "What to see in it.".to_owned(), chart };
    let names: Vec<String> = ["cpu", "memory", "disk_io"].map(str::to_owned).to_vec();
    let page = FigurePage {
        title: "Figures".to_owned(),
        subtitle: "Made up, to look at.".to_owned(),
        figures: vec![
            figure(
                "A day",
                Chart::Curves { across: Across::HoursOfDay { step_minutes: 5.0 }, curves, reference: Some(1.0) },
            ),
            figure(
                "A year",
                Chart::Curves {
                    across: Across::Days { first, per_day: 1.0 },
                    curves: vec![Series { name: "cpu".to_owned(), values: year }],
                    reference: None,
                },
            ),
            figure("A week", Chart::Bars { names: names.clone(), values: vec![1.1, 0.9, 0.65], base: 1.0 }),
            figure("Matrices", Chart::Heat { names, matrices: vec![("asked".to_owned(), matrix)] }),
        ],
    };
    std::fs::write("figures.html", figures_html(&page))?;
    std::fs::write("figures.svg", figures_svg(&page))?;
    std::fs::write("figures.png", figures_png(&page).expect("there are figures, and not too many"))
}
