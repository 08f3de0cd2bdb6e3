//! `seeds FOLDER`: writes the seeds of all targets there.

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| "corpus".into());
    tweedie_fuzz::seeds(folder.as_ref())
}
