//! The command `ecgnet`; everything is in [`ecgnet::command`].

fn main() -> std::process::ExitCode {
    ecgnet::command::main()
}
