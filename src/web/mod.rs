//! What the page asks of Rust. The worker in `www/` calls the class `ECGNet`; the page itself only shows.
//!
//! - [`dropped`]: which of the dropped files form a recording.
//! - [`paper`]: the tracing as it lies on ECG paper, in millimetres.
//! - [`words`]: numbers as the page says them.
//! - `message`, `facade`: what crosses to JavaScript, and the class; on wasm only.

pub mod dropped;
pub mod paper;
pub mod words;

#[cfg(target_arch = "wasm32")]
mod facade;
#[cfg(target_arch = "wasm32")]
mod message;
#[cfg(target_arch = "wasm32")]
pub use facade::ECGNet;
