//! JavaScript errors with a code that stays the same between versions.

use super::words;
use js_sys::Reflect;
use std::fmt::Display;
use wasm_bindgen::JsValue;

/// A JavaScript `Error` with a `code`.
pub fn js_error(code: &str, message: impl Display) -> JsValue {
    let error = js_sys::Error::new(&words::sentence(&message.to_string()));
    // Setting a property of a new object cannot fail.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}
