//! A small reader of markup, to see whether a page is whole.

/// Elements that have no end.
const VOID: [&str; 5] = ["meta", "link", "input", "br", "hr"];

/// The first thing wrong with the tags of a page, in words; `None` when every element ends where it should.
pub fn broken(html: &str) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let Some(end) = rest.find('>') else { return Some(format!("a tag does not end: {}", head(rest))) };
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
        if tag.starts_with('!') || VOID.contains(&name) || tag.ends_with('/') {
            continue;
        }
        if tag.starts_with('/') {
            if open.pop() != Some(name) {
                return Some(format!("</{name}> ends another element, before: {}", head(rest)));
            }
        } else if matches!(name, "style" | "script") {
            // Their content is no markup; it ends at its own end tag.
            let Some(end) = rest.find(&format!("</{name}>")) else { return Some(format!("{name} does not end")) };
            rest = &rest[end + name.len() + 3..];
        } else {
            open.push(name);
        }
    }
    open.last().map(|name| format!("<{name}> does not end"))
}

fn head(text: &str) -> String {
    text.chars().take(60).collect()
}
