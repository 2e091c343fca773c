//! The command `ecgnet`; see [`ecgnet::command`].

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    ecgnet::command::main()
}

/// A browser has no command line, but its tests are built together with this.
#[cfg(target_arch = "wasm32")]
fn main() {}
