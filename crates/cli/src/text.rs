//! Tables for a terminal.

/// Side to which a column's cells are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Rows under a heading, each column as wide as its widest cell, two spaces apart.
pub fn aligned(head: &[(&str, Align)], rows: Vec<Vec<String>>) -> String {
    let mut lines: Vec<Vec<String>> = vec![head.iter().map(|(name, _)| (*name).to_owned()).collect()];
    lines.extend(rows);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).zip(head).map(|((cell, &width), (_, align))| match align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A size as people say it.
pub fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}

/// A value of a series; with an exponent where it would fill the line.
pub fn number(value: f64) -> String {
    if value.abs() < 1e12 { format!("{value:.4}") } else { format!("{value:.4e}") }
}

/// A score with three digits; a dash where there is none.
pub fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let head = [("name", Align::Left), ("n", Align::Right)];
        let rows = vec![vec!["a".to_owned(), "12".to_owned()], vec!["longer".to_owned(), "3".to_owned()]];
        assert_eq!(aligned(&head, rows), "name     n\na       12\nlonger   3\n");
        assert_eq!((bytes(999), bytes(1_500), bytes(2_000_000)), ("999 B".into(), "1.5 kB".into(), "2.0 MB".into()));
        assert_eq!((number(1234.5), number(-1.5e300)), ("1234.5000".into(), "-1.5000e300".into()));
        assert_eq!((score(None), score(Some(0.5))), ("-".into(), "0.500".into()));
    }
}
