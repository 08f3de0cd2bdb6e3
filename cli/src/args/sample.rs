use super::{RanksArgs, SamplerArgs};
use clap::Args;
use std::path::{Path, PathBuf};

/// Paint pictures with a model
///
/// What is not given comes from the model: a run was configured with a sampler, a diffusers folder has a scheduler.
/// Picture number i depends on the seed and on i alone. Of a class-conditional model without --class, the classes are
/// painted in turn. The ranks of a job paint a share each; the result is that of one process, bit for bit.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie sample runs/glyphs
  tweedie sample runs/glyphs --class 3,1,4,1,5 --out pi.png
  tweedie sample runs/glyphs --n 100 --guidance 2 --out denoising.gif
  tweedie sample runs/mnist --n 1000 --sampler dpmpp-2m --steps 20 --out out/
  tweedie sample runs/glyphs --sampler heun --churn 10 --steps 25
  tweedie sample runs/glyphs --class 8 --guidance 4 --guidance-rescale 0.7
  tweedie sample runs/scenes --caption 'red circle above blue square' --n 9
  tweedie sample runs/scenes --caption 'red circle above blue square' --attention words.png
  tweedie sample MODEL --noise x_T.safetensors --raw x_0.safetensors
  tweedie launch --ranks 4 -- sample runs/glyphs --n 1000 --out out/     (four ranks on this machine)
  srun tweedie sample runs/glyphs --n 1000 --out out/                    (all tasks of a Slurm job; TWEEDIE_SECRET is set)")]
pub(crate) struct SampleArgs {
    /// A run directory, a checkpoint file, or a diffusers folder
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// How many pictures [default: 16, or as many as --noise, --class or --caption has]
    #[arg(long, value_name = "N")]
    pub(crate) n: Option<usize>,
    /// Class by name, or by number where no class has that name: one for all pictures, or one each; may be repeated
    #[arg(long, value_name = "K[,K…]", allow_hyphen_values = true)]
    pub(crate) class: Vec<String>,
    /// What to paint, in words that the model was trained with: one caption for all pictures, or repeated, one each
    #[arg(long, value_name = "WORDS")]
    pub(crate) caption: Vec<String>,
    /// The weights as they are, not their moving average
    #[arg(long)]
    pub(crate) no_ema: bool,

    #[command(flatten)]
    pub(crate) sampler: SamplerArgs,
    /// Start from tensor `x` (n, c, h, w) of a file, not from noise drawn from the seed
    #[arg(long, value_name = "FILE.safetensors", help_heading = "Sampler")]
    pub(crate) noise: Option<PathBuf>,

    /// FILE.png: a grid; FILE.gif: the denoising; DIR/: a PNG per picture [default: samples.png, or nothing with --raw]
    #[arg(long, value_name = "PATH", value_parser = Out::parse, help_heading = "Output")]
    pub(crate) out: Option<Out>,
    /// A grid: each of the first pictures, then lit by where the model looks for each word of its caption
    #[arg(long, value_name = "FILE.png", requires = "caption", help_heading = "Output")]
    pub(crate) attention: Option<PathBuf>,
    /// Write tensor `x`, as computed, before rounding
    #[arg(long, value_name = "FILE.safetensors", help_heading = "Output")]
    pub(crate) raw: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) ranks: RanksArgs,
}

/// Where pictures go, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Out {
    /// A grid.
    Png(PathBuf),
    /// An animation of the denoising.
    Gif(PathBuf),
    /// A picture a file.
    Folder(PathBuf),
}

impl Out {
    /// Tells by the ending; what has none is a folder.
    fn parse(text: &str) -> Result<Out, String> {
        let path = PathBuf::from(text);
        if text.is_empty() {
            return Err("no name; write FILE.png, FILE.gif or DIR/".to_string());
        }
        if text.ends_with('/') || path.is_dir() {
            return Ok(Out::Folder(path));
        }
        match path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).as_deref() {
            Some("png") => Ok(Out::Png(path)),
            Some("gif") => Ok(Out::Gif(path)),
            None => Ok(Out::Folder(path)),
            Some(_) => {
                Err("write FILE.png for a grid, FILE.gif for the denoising, or DIR/ for a PNG per picture"
                    .into())
            }
        }
    }

    /// The file or folder.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Out::Png(path) | Out::Gif(path) | Out::Folder(path) => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_what_is_written() {
        assert!(matches!(Out::parse("a/b.png"), Ok(Out::Png(_))));
        assert!(matches!(Out::parse("b.GIF"), Ok(Out::Gif(_))));
        assert!(matches!(Out::parse("b.png/"), Ok(Out::Folder(_))));
        assert!(matches!(Out::parse("out"), Ok(Out::Folder(_))));
        assert!(matches!(Out::parse("."), Ok(Out::Folder(_))));
        assert!(Out::parse("a.jpg").is_err());
        assert!(Out::parse("").is_err());
    }
}
