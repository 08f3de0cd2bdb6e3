//! What the page is told when something cannot be done.

use serde::{Deserialize, Serialize};
use std::panic;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn complain(text: &str);
}

/// Has what breaks the program said in the browser's console, before the module traps.
#[wasm_bindgen(start)]
fn begin() {
    panic::set_hook(Box::new(|info| complain(&info.to_string())));
}

/// The result of everything that the page calls.
pub(crate) type Result<T> = std::result::Result<T, JsError>;

/// An error as the page shows it.
pub(crate) fn refused(error: impl std::fmt::Display) -> JsError {
    JsError::new(&error.to_string())
}

/// What a request of the page says.
pub(crate) fn asked<'a, A: Deserialize<'a>>(json: &'a str) -> Result<A> {
    serde_json::from_str(json).map_err(refused)
}

/// Facts for the page.
pub(crate) fn told(facts: &impl Serialize) -> Result<String> {
    serde_json::to_string(facts).map_err(refused)
}
