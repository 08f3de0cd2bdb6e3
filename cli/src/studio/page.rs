//! The files of the page, which are part of the program.

use super::answer::{Answer, Refusal};
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

macro_rules! files {
    ($($name:literal $kind:literal,)*) => {
        /// Name, type and content of each.
        const FILES: &[(&str, &str, &str)] = &[$(($name, $kind, include_str!(concat!("page/", $name))),)*];
    };
}

files! {
    "index.html" "text/html; charset=utf-8",
    "style.css" "text/css; charset=utf-8",
    "icon.svg" "image/svg+xml",
    "main.js" "text/javascript; charset=utf-8",
    "ask.js" "text/javascript; charset=utf-8",
    "build.js" "text/javascript; charset=utf-8",
    "chart.js" "text/javascript; charset=utf-8",
    "pixels.js" "text/javascript; charset=utf-8",
    "train.js" "text/javascript; charset=utf-8",
    "grids.js" "text/javascript; charset=utf-8",
    "play.js" "text/javascript; charset=utf-8",
    "stage.js" "text/javascript; charset=utf-8",
    "morph.js" "text/javascript; charset=utf-8",
    "points.js" "text/javascript; charset=utf-8",
    "mask.js" "text/javascript; charset=utf-8",
    "schedule.js" "text/javascript; charset=utf-8",
    "inside.js" "text/javascript; charset=utf-8",
    "verify.js" "text/javascript; charset=utf-8",
}

/// The page.
///
/// # Errors
/// None: it is there.
pub(super) async fn index() -> Answer {
    file(Path("index.html".to_string())).await
}

/// A file of the page.
///
/// # Errors
/// A name that it has no file of.
pub(super) async fn file(Path(name): Path<String>) -> Answer {
    match FILES.iter().find(|(own, _, _)| *own == name) {
        Some(&(_, kind, content)) => Ok(([(header::CONTENT_TYPE, kind)], content).into_response()),
        None => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "no such file",
            "studio",
            "open the address that the program printed",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_nothing_outside_itself() {
        for (name, _, content) in FILES {
            for part in content.split("http").skip(1) {
                // Names of kinds of markup, which no browser asks for.
                assert!(part.starts_with("://www.w3.org/"), "{name}: http{}", &part[..part.len().min(40)]);
            }
            assert!(!content.contains("innerHTML"), "{name}: text that others wrote must not become markup");
        }
    }

    #[test]
    fn every_file_that_a_file_names_is_there() {
        for (name, _, content) in FILES {
            for part in content.split("\"./").skip(1).chain(content.split("=\"/").skip(1)) {
                let named = part.split('"').next().unwrap_or_default();
                assert!(FILES.iter().any(|(own, _, _)| *own == named), "{name} names {named}");
            }
        }
    }
}
