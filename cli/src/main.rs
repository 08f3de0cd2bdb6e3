#![forbid(unsafe_code)]
//! The program `tweedie`: it trains diffusion models, paints with them, and shows its workings.

mod args;
mod asked;
mod commands;
mod console;
mod counted;
mod error;
mod interrupt;
mod measuring;
mod models;
mod output;
mod painting;
mod pictures;
mod progress;
mod ranks;
mod report;
mod screen;
mod sparkline;
mod speaker;
mod spread;
mod studio;
mod threads;
mod tui;

use args::{BenchArgs, BenchWhat, Cli, Command, EvalArgs, EvalWhat, Everywhere};
use clap::Parser;
use console::Console;
use error::{Failure, Result};
use std::io::Write;
use std::process::ExitCode;
use tweedie_tensor::Isa;
use tweedie_tensor::simd::Bf16Method;

/// Where memory ends, the process ends in one line.
#[global_allocator]
static ALLOCATOR: tweedie_tensor::Allocator = tweedie_tensor::Allocator;

fn main() -> ExitCode {
    error::report_faults_in_one_line();
    let Cli { command, everywhere } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => return print_parsed(&message),
    };
    // The panic hook has reported a fault of any thread.
    match std::panic::catch_unwind(|| run(&command, &everywhere)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => end(&failure),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Prints what the parser of the command line returned: help on stdout, or what is wrong on stderr.
fn print_parsed(message: &clap::Error) -> ExitCode {
    let printed = message.print().and_then(|()| std::io::stdout().flush());
    match printed {
        Err(error) if !message.use_stderr() => end(&Failure::unprintable(&error)),
        _ => ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(2)),
    }
}

/// Prints why the program ends; the status that it ends with.
fn end(failure: &Failure) -> ExitCode {
    if failure.is_said() {
        let _ = writeln!(std::io::stderr(), "{}{failure}", speaker::prefix());
    }
    ExitCode::from(failure.status())
}

fn run(command: &Command, everywhere: &Everywhere) -> Result<()> {
    let &Everywhere { threads, seed, json, quiet } = everywhere;
    check_instruction_set()?;
    let threads = threads::chosen(threads, local_ranks(command)?)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = match command {
        // Its work comes from many threads, and this one waits for requests.
        Command::Studio(_) => pool,
        // From outside, this thread would hand over each operation and be woken for the next.
        _ => pool.use_current_thread(),
    };
    pool.build_global().map_err(|error| {
        Failure::user(format!("cannot start {threads} threads ({error})"), "--threads", "give fewer")
    })?;
    let console = Console { json, quiet };
    match command {
        Command::Train(args) => commands::train(args, seed, console),
        Command::Sample(args) => commands::sample(args, seed.unwrap_or(0), console),
        Command::Predict(args) => commands::predict(args, console),
        Command::Edit(args) => commands::edit(&args.what, seed.unwrap_or(0), console),
        Command::Eval(args) => commands::eval(&args.what, seed.unwrap_or(0), console),
        Command::Inspect(args) => commands::inspect(&args.what, seed.unwrap_or(0), console),
        Command::Verify(args) => commands::verify(args, seed.unwrap_or(0), console),
        Command::Plan(args) => commands::plan(args, seed, console),
        Command::Bench(args) => commands::bench(&args.what, console),
        Command::Launch(args) => commands::launch(args, everywhere, console),
        Command::Studio(args) => studio::studio(args, seed.unwrap_or(0), console),
        Command::Completions(args) => commands::completions(args),
        Command::Man(args) => commands::man(args, console),
    }
}

/// How many ranks of a job share this machine, as far as the launcher tells.
fn local_ranks(command: &Command) -> Result<usize> {
    let args = match command {
        Command::Train(args) => &args.ranks,
        Command::Sample(args) => &args.ranks,
        Command::Eval(EvalArgs { what: EvalWhat::Bpd(args) }) => &args.ranks,
        Command::Eval(EvalArgs { what: EvalWhat::Frechet(args) }) => &args.ranks,
        Command::Bench(BenchArgs { what: BenchWhat::Reduce(args) }) => &args.ranks,
        _ => return Ok(1),
    };
    Ok(ranks::identity(args)?.and_then(|identity| identity.local_size).unwrap_or(1))
}

/// Refuses an unknown name: the user would take the fastest path's results for another's.
fn check_instruction_set() -> Result<()> {
    check_choice(
        Isa::VARIABLE,
        |name| Isa::named(name).is_some(),
        "instruction set",
        "avx512, avx2, neon or portable",
    )?;
    check_choice(Bf16Method::VARIABLE, |name| Bf16Method::named(name).is_some(), "method", "dot or madd")
}

/// Refuses a value of the variable that is no known name of this `kind`.
fn check_choice(variable: &str, is_one: impl Fn(&str) -> bool, kind: &str, all: &str) -> Result<()> {
    match std::env::var_os(variable) {
        Some(name) if !name.is_empty() && !name.to_str().is_some_and(is_one) => Err(Failure::user(
            format!("no {kind} named {}", name.display()),
            variable,
            format!("set it to {all}, or unset it"),
        )),
        _ => Ok(()),
    }
}
