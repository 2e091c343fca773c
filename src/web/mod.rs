//! What browsers ask of Rust. The worker in `www/` holds a `Session`; other people's pages use the class `ECGNet`.
//!
//! - [`dropped`]: which of the dropped files form a recording.
//! - [`corrections`]: what a person corrects of a reading.
//! - [`paper`]: the tracing as it lies on ECG paper, in millimetres.
//! - [`words`]: numbers as the page says them.
//! - [`device`]: what computes.
//! - [`pool`]: how work on the processor is shared out among workers.
//!
//! On wasm only: `weights` (fetched, checked, kept), `engine` (a network on a device), `session` and `package` (the
//! two classes), `input` and `message` (what crosses from and to JavaScript).

pub mod corrections;
pub mod device;
pub mod dropped;
pub mod paper;
pub mod pool;
pub mod words;

#[cfg(target_arch = "wasm32")]
mod engine;
#[cfg(target_arch = "wasm32")]
mod error;
#[cfg(target_arch = "wasm32")]
mod input;
#[cfg(target_arch = "wasm32")]
mod message;
#[cfg(target_arch = "wasm32")]
mod package;
#[cfg(target_arch = "wasm32")]
mod session;
#[cfg(target_arch = "wasm32")]
mod weights;
#[cfg(target_arch = "wasm32")]
pub use {package::ECGNet, session::Session};
