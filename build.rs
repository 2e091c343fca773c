//! The configuration `gpu`: ECGNet's own compute shaders are part of the build.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(gpu)");
    println!("cargo::rerun-if-changed=build.rs");
    // With `cuda`, burn wraps its GPU backend for fusion, and the shaders are not for it.
    if cfg!(feature = "wgpu") && !cfg!(feature = "cuda") {
        println!("cargo::rustc-cfg=gpu");
    }
}
