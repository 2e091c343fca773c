//! The command `ecgnet`: parses, calls the library, reports. One file a subcommand.
//!
//! Results go to standard output, progress and remarks to standard error. The exit status is 0, or 1 where something
//! failed, or 2 where the command line is wrong.

mod calibrate;
mod combine;
mod data;
mod device;
mod error;
mod evaluate;
mod export;
mod import;
mod networks;
mod output;
mod parameters;
mod predict;
mod progress;
mod release;
mod rounding;
mod seen;
mod serve;
mod split;
mod terminal;
mod train;
mod values;
mod weights;

use clap::{Parser, Subcommand};
use error::CommandError;
use std::io::Write;
use std::process::ExitCode;

/// Estimates age and sex from standard 12-lead ECGs with the four published neural networks and a small one of our own, and trains and evaluates them.
///
/// For research and teaching; not a medical device.
#[derive(Parser)]
#[command(name = "ecgnet", version, propagate_version = true, arg_required_else_help = true, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Predict(predict::Options),
    Train(train::Options),
    Combine(combine::Options),
    Calibrate(calibrate::Options),
    Evaluate(evaluate::Options),
    Split(split::Options),
    Import(import::Options),
    Export(export::Options),
    Release(release::Options),
    Networks(networks::Options),
    Serve(serve::Options),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let outcome = match CommandLine::parse().command {
        Command::Predict(options) => predict::run(&options),
        Command::Train(options) => train::run(&options),
        Command::Combine(options) => combine::run(&options),
        Command::Calibrate(options) => calibrate::run(&options),
        Command::Evaluate(options) => evaluate::run(&options),
        Command::Split(options) => split::run(&options),
        Command::Import(options) => import::run(&options),
        Command::Export(options) => export::run(&options),
        Command::Release(options) => release::run(&options),
        Command::Networks(options) => networks::run(&options),
        Command::Serve(options) => serve::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            remark(format_args!("ecgnet: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes a line of results.
fn print(text: impl std::fmt::Display) -> Result<(), CommandError> {
    writeln!(std::io::stdout().lock(), "{text}").map_err(CommandError::Output)
}

/// Writes a remark for whoever watches; where nobody can, it is lost.
fn remark(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
