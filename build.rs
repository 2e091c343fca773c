//! The configuration `gpu`: ECGNet's own compute shaders are part of the build.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(gpu)");
    println!("cargo::rerun-if-changed=build.rs");
    let is_browser = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|target| target == "wasm32");
    // With `cuda`, burn wraps its GPU backend for fusion, and the shaders are not for it.
    if is_browser || cfg!(feature = "wgpu") && !cfg!(feature = "cuda") {
        println!("cargo::rustc-cfg=gpu");
    }
}
