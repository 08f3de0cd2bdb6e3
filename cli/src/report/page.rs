//! The page around the charts: its style, its tables, its pictures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::fmt::Write;

/// The colours of curves on light and on dark ground; neighbours differ in lightness as well as in hue.
pub(super) const COLOURS: [[&str; 2]; 7] = [
    ["#2563c9", "#6ea8ff"],
    ["#d97706", "#f5b04c"],
    ["#0f8a5f", "#4cc99a"],
    ["#b0307d", "#f08cc8"],
    ["#6b7280", "#b6bdc6"],
    ["#7c4fe0", "#b79bff"],
    ["#8a5a13", "#d3a96a"],
];

/// Light and dark follow the reader's system.
const STYLE: &str = "
:root { color-scheme: light dark; --ground: #fbfbfa; --card: #fff; --ink: #1f2328; --soft: #656d76; --rule: #e3e5e8; }
@media (prefers-color-scheme: dark) { :root { --ground: #15171a; --card: #1d2024; --ink: #e6e8eb; --soft: #9aa2ab;
  --rule: #30353b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem clamp(.8rem, 4vw, 1.5rem) 4rem; overflow-wrap: anywhere; max-width: 72rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .8rem; }
.sub, figcaption, th, .none { color: var(--soft); } .sub { margin: .2rem 0 1.6rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(9rem, 100%), 1fr)); gap: .8rem; }
.facts div, figure, .tables section { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; }
.facts div { padding: .7rem .9rem; } .facts b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.facts span { color: var(--soft); font-size: .85rem; }
figure { margin: 0; padding: .8rem; min-width: 0; } figcaption { font-size: .9rem; margin-bottom: .4rem; }
figure img { display: block; max-width: 100%; image-rendering: pixelated; border-radius: 3px; }
.latest img { width: min(100%, 64rem); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: .8rem; }
.grids { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(14rem, 100%), 1fr)); gap: .8rem; margin-top: .8rem; }
.tables { columns: 3 17rem; column-gap: .8rem; }
.tables section { break-inside: avoid; padding: .7rem .9rem; margin-bottom: .8rem; }
.tables h3 { font-size: .95rem; margin: 0 0 .3rem; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; } th { text-align: left; font-weight: 400;
  padding: .1rem .8rem .1rem 0; vertical-align: top; } td { text-align: right; overflow-wrap: anywhere;
  font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; display: block; } svg .grid { stroke: var(--rule); } svg .tick { fill: var(--soft);
  font-size: 11px; } polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
polyline.faint { stroke: var(--s0); opacity: .25; stroke-width: 1; }
.key { margin-left: 1rem; white-space: nowrap; } .key::before { content: ''; display: inline-block; width: .9em;
  height: .2em; margin-right: .4em; vertical-align: middle; background: var(--s0); }
";

/// The rules that colour curves, dots and keys.
fn colours() -> String {
    let mut out = String::new();
    for (i, [light, dark]) in COLOURS.iter().enumerate() {
        // Writing into a string does not fail.
        let _ = writeln!(
            out,
            ":root {{ --s{i}: {light}; }} @media (prefers-color-scheme: dark) {{ :root {{ --s{i}: {dark}; }} }} \
             polyline.s{i} {{ stroke: var(--s{i}); }} .dot.s{i} {{ fill: var(--s{i}); }} \
             .key.s{i}::before {{ background: var(--s{i}); }}"
        );
    }
    out
}

/// The text with what HTML would read as markup written out.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The whole page around `body`; one that changes looks again after so many seconds.
pub(super) fn page(title: &str, look_again: Option<u32>, body: &str) -> String {
    let refresh = look_again
        .map_or_else(String::new, |seconds| format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">\n"));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{refresh}\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>{STYLE}{}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        escape(title),
        colours()
    )
}

/// A row of figures, each a number above what it is.
pub(super) fn facts(facts: &[(String, &str)]) -> String {
    let tiles: String = facts
        .iter()
        .map(|(number, what)| format!("<div><b>{}</b><span>{what}</span></div>", escape(number)))
        .collect();
    format!("<div class=\"facts\">{tiles}</div>\n")
}

/// A PNG file as a figure, in the page itself.
pub(super) fn picture(png: &[u8], caption: &str, class: &str) -> String {
    let (data, caption) = (STANDARD.encode(png), escape(caption));
    format!(
        "<figure class=\"{class}\"><figcaption>{caption}</figcaption>\
         <img alt=\"pictures, {caption}\" src=\"data:image/png;base64,{data}\"></figure>\n"
    )
}

/// A configuration as tables, one for each section.
pub(super) fn tables(config: &Value) -> String {
    let mut out = String::from("<div class=\"tables\">\n");
    for (section, keys) in config.as_object().into_iter().flatten() {
        let _ = write!(out, "<section><h3>{}</h3><table>", escape(section));
        for (key, value) in rows("", keys) {
            let _ = write!(out, "<tr><th>{}</th><td>{}</td></tr>", escape(&key), escape(&value));
        }
        out.push_str("</table></section>\n");
    }
    out + "</div>\n"
}

/// The keys below `key`, however deep, each with its value as a person writes it.
fn rows(key: &str, value: &Value) -> Vec<(String, String)> {
    let below = |name: &str| if key.is_empty() { name.to_string() } else { format!("{key} · {name}") };
    match value {
        Value::Object(keys) => keys.iter().flat_map(|(name, value)| rows(&below(name), value)).collect(),
        // A list of sections: each by its number.
        Value::Array(items) if items.iter().any(Value::is_object) => items
            .iter()
            .zip(1..)
            .flat_map(|(value, number)| rows(&below(&number.to_string()), value))
            .collect(),
        other => vec![(key.to_string(), text_of(other))],
    }
}

/// A value that has no keys as a person writes it.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "–".to_string(),
        Value::Bool(true) => "yes".to_string(),
        Value::Bool(false) => "no".to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_string(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_shows_no_json() {
        let config = serde_json::json!({
            "optimizer": { "rule": { "optimizer": "adamw", "beta1": 0.9 }, "steps": null },
            "model": { "blocks": [{ "kind": "down", "sizes": [1, 2] }, { "kind": "up" }], "names": [] },
        });
        let html = tables(&config);
        assert!(!html.contains(['{', '[', '}']) && !html.contains("&quot;"), "{html}");
        for row in [
            "<th>rule · beta1</th><td>0.9</td>",
            "<th>blocks · 1 · sizes</th><td>1, 2</td>",
            "<th>names</th><td>none</td>",
        ] {
            assert!(html.contains(row), "{html}");
        }
    }

    #[test]
    fn nothing_in_a_configuration_becomes_markup() {
        let config =
            serde_json::json!({ "data": { "source": "<script>&", "classes": ["a", "b"], "flips": false } });
        let html = tables(&config);
        assert!(
            html.contains("&lt;script&gt;&amp;") && html.contains("a, b") && html.contains("<td>no</td>"),
            "{html}"
        );
    }
}
