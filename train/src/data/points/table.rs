//! Points as text: two numbers a line.

use super::super::error::DataError;
use std::path::Path;

/// Numbers beyond this have no variance in f64.
const LARGEST: f64 = 1e150;

/// What a file of points says.
#[derive(Debug, PartialEq)]
pub(super) struct Table {
    pub(super) points: Vec<[f64; 2]>,
    /// The names of the columns, where there is a line of them.
    pub(super) names: Option<[String; 2]>,
}

/// What stands between the numbers of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Mark(char),
    /// Spaces or tabs, any number of them.
    Blank,
}

/// Reads two numbers a line, with a comma, a semicolon or blanks between them, the same in every line. Blank lines and lines
/// that begin with `#`, `%` or `//` are passed over; the first of the others may name the columns. Names and numbers may stand
/// in quotation marks.
///
/// # Errors
/// [`DataError::Line`] for any other line.
pub(super) fn parse(text: &str, path: &Path) -> Result<Table, DataError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_comment = |line: &str| ["#", "%", "//"].iter().any(|mark| line.starts_with(mark));
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    let mut table = Table { points: Vec::new(), names: None };
    let mut usual = None;
    for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !is_comment(line)) {
        let refuse = |what: String, remedy| Err(DataError::line(path, number, what, remedy));
        let separator = Separator::of(line);
        if usual.is_some_and(|usual| usual != separator) {
            return refuse("another separator than the lines before it".into(), "use one everywhere");
        }
        let fields = separator.fields(line);
        let &[x, y] = &fields[..] else {
            let columns = match fields.len() {
                1 => "one column".to_string(),
                n => format!("{n} columns"),
            };
            let remedy = "a point is two numbers, with decimal points, and a comma, a semicolon or blanks between them";
            return refuse(columns, remedy);
        };
        let is_first = usual.is_none();
        usual = Some(separator);
        if is_first && [x, y].into_iter().all(is_name) {
            table.names = Some([x, y].map(String::from));
            continue;
        }
        let mut point = [0.0; 2];
        for (value, field) in point.iter_mut().zip([x, y]) {
            let Ok(read) = field.parse::<f64>() else {
                let what = if field.is_empty() {
                    "an empty field".into()
                } else {
                    format!("'{}' is no number", shortened(field))
                };
                return refuse(what, "correct the line, or remove it");
            };
            if !read.is_finite() || read.abs() > LARGEST {
                return refuse(
                    format!("{} is not finite, or too large", shortened(field)),
                    "correct the line, or remove it",
                );
            }
            *value = read;
        }
        table.points.push(point);
    }
    Ok(table)
}

impl Separator {
    fn of(line: &str) -> Separator {
        let mark = [';', ','].into_iter().find(|&mark| line.contains(mark));
        mark.map_or(Separator::Blank, Separator::Mark)
    }

    fn fields(self, line: &str) -> Vec<&str> {
        match self {
            Separator::Mark(mark) => line.split(mark).map(unquoted).collect(),
            Separator::Blank => line.split_whitespace().map(unquoted).collect(),
        }
    }
}

/// Whether a field names a column: it is no number, and does not begin as one.
fn is_name(field: &str) -> bool {
    let begins = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    !field.is_empty() && field.parse::<f64>().is_err() && !field.starts_with(begins)
}

/// A field without the quotation marks around it.
fn unquoted(field: &str) -> &str {
    let field = field.trim();
    let inner = field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.map_or(field, str::trim)
}

/// Enough of a field to find it by.
fn shortened(field: &str) -> String {
    let mut text: String = field.chars().take(24).map(|c| if c.is_control() { '?' } else { c }).collect();
    if field.chars().nth(24).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Table, String> {
        parse(text, Path::new("p.csv")).map_err(|error| error.to_string())
    }

    #[test]
    fn separators_headers_comments_and_quotes_are_understood() {
        let points = vec![[1.0, -2.5], [3e2, 0.25]];
        for (text, names) in [
            ("1,-2.5\n300,.25\n", None),
            ("\u{feff}1, -2.5\r\n300 , .25", None),
            ("# two points\n\nx,y\n1,-2.5\n% more\n300,.25\n", Some(["x", "y"])),
            ("\"x (m)\";\"y\"\n\"1\";\"-2.5\"\n3e2;0.25\n", Some(["x (m)", "y"])),
            ("// tabs\nwest\tnorth\n1\t-2.5\n300\t0.25", Some(["west", "north"])),
            ("  1   -2.5\n300\t0.25\n", None),
        ] {
            let names = names.map(|names| names.map(String::from));
            assert_eq!(read(text), Ok(Table { points: points.clone(), names }), "{text:?}");
        }
        assert_eq!(read("# nothing\n"), Ok(Table { points: vec![], names: None }));
    }

    #[test]
    fn what_is_no_point_is_refused_with_its_line() {
        for (text, line, what) in [
            ("1,2,3\n", 1, "3 columns"),
            ("x,y\n1,2\n\n5\n", 4, "another separator"),
            ("5\n", 1, "one column"),
            ("1,2\n3,four\n", 2, "'four' is no number"),
            ("1,2\nx,y\n", 2, "'x' is no number"),
            ("x,1\n", 1, "'x' is no number"),
            ("1,2\n3,\n", 2, "an empty field"),
            ("1,2\n3;4\n", 2, "another separator"),
            ("1,5;2,5\n", 1, "'1,5' is no number"),
            ("1 2\n3 nan\n", 2, "nan is not finite"),
            ("1 2\n3 -inf\n", 2, "-inf is not finite"),
            ("1 2\n3 1e200\n", 2, "too large"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(what) || error.contains(what), "{text:?}: {error}");
            assert!(error.contains(&format!("p.csv line {line}: ")), "{text:?}: {error}");
        }
    }
}
