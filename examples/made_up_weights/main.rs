//! Writes a folder of weights that nobody has trained, to try and test the page with:
//!
//! ```sh
//! cargo run --example made_up_weights -- weights cnn compact
//! ```

#[cfg(not(target_arch = "wasm32"))]
mod folder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `wasm-pack test` builds it too; a browser has no folders.
    #[cfg(not(target_arch = "wasm32"))]
    folder::write(std::env::args().skip(1))?;
    Ok(())
}
