use super::SamplerArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Change pictures with a model that has learnt to paint
#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    #[command(subcommand)]
    pub(crate) what: EditWhat,
}

/// What is done with a picture.
#[derive(Debug, Subcommand)]
pub(crate) enum EditWhat {
    Inpaint(Box<InpaintArgs>),
    Vary(Box<VaryArgs>),
    Interpolate(InterpolateArgs),
    Invert(InvertArgs),
}

/// What every way of editing needs.
#[derive(Debug, Args)]
pub(crate) struct EditCommon {
    /// A run directory, a checkpoint file, or a diffusers folder
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Class by name, or by number where no class has that name, one for all or one each [default: no class, if the model learnt what that is]; may be repeated
    #[arg(long, value_name = "K[,K…]", allow_hyphen_values = true)]
    pub(crate) class: Vec<String>,
    /// What to paint, in words that the model was trained with: one caption for all, or repeated, one each [default: none]
    #[arg(long, value_name = "WORDS")]
    pub(crate) caption: Vec<String>,
    /// Crop pictures of another size than the model's to their middle, and resize them
    #[arg(long)]
    pub(crate) resize: bool,
    /// The weights as they are, not their moving average
    #[arg(long)]
    pub(crate) no_ema: bool,
    /// The picture that shows what came of it
    #[arg(long, value_name = "FILE.png", value_parser = png, default_value = "edit.png", help_heading = "Output")]
    pub(crate) out: PathBuf,
}

/// Repaint a part of a picture
///
/// The part that is white in the mask is repainted, the part that is black stays as it is. --out shows the picture, the picture with a
/// grey hole, and N results.
///
/// The known part is noised to the level that each step reaches (Song et al. 2021). So that the two parts agree, every
/// --jump steps are taken back and taken again, --resamplings times in all (RePaint, Lugmayr et al. 2022).
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie edit inpaint runs/mnist --image three.png --mask half.png
  tweedie edit inpaint runs/mnist --image three.png --mask half.png --class 8 --n 10 --out eights.png
  tweedie edit inpaint runs/mine --image cat.jpg --mask hole.png --resize --sampler ddpm --steps 100 --resamplings 10")]
pub(crate) struct InpaintArgs {
    #[command(flatten)]
    pub(crate) common: EditCommon,
    /// The picture, of the model's size
    #[arg(long, value_name = "FILE")]
    pub(crate) image: PathBuf,
    /// A picture of the same size, white where the other is to be repainted
    #[arg(long, value_name = "FILE")]
    pub(crate) mask: PathBuf,
    /// How many results
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) n: u32,
    /// How often steps are taken; 1 for replacement alone
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Sampler")]
    pub(crate) resamplings: u32,
    /// How many steps are taken back at a time
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Sampler")]
    pub(crate) jump: u32,
    #[command(flatten)]
    pub(crate) sampler: SamplerArgs,
}

/// Paint variations of a picture
///
/// SDEdit (Meng et al. 2022): noise is added as of the last --strength of the steps, and taken away again. --out has a row
/// for each strength: the picture, then N variations.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie edit vary runs/mnist --image three.png --strength 0.5
  tweedie edit vary runs/mnist --image three.png --strength 0.3,0.5,0.7,0.9 --n 8 --out drift.png
  tweedie edit vary runs/mnist --image three.png --class 8 --strength 0.7
  tweedie edit vary runs/scenes --image scene.png --caption 'red circle above blue square' --strength 0.8")]
pub(crate) struct VaryArgs {
    #[command(flatten)]
    pub(crate) common: EditCommon,
    /// The picture, of the model's size
    #[arg(long, value_name = "FILE")]
    pub(crate) image: PathBuf,
    /// How much is repainted, from 0 (nothing) to 1 (everything)
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "X[,X…]",
        value_delimiter = ',',
        default_value = "0.5"
    )]
    pub(crate) strength: Vec<f64>,
    /// How many variations
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) n: u32,
    #[command(flatten)]
    pub(crate) sampler: SamplerArgs,
}

/// Paint the way from one picture to another
///
/// Both are taken to the noise that they come from by DDIM inversion (see `edit invert`), and pictures are painted from N
/// places between, on the great circle from one to the other. --out is a strip: the first picture, N painted, the second.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie edit interpolate runs/mnist --image three.png --image eight.png
  tweedie edit interpolate runs/mnist --image three.png --image eight.png --way linear --n 12 --out line.png")]
pub(crate) struct InterpolateArgs {
    #[command(flatten)]
    pub(crate) common: EditCommon,
    /// The two pictures, of the model's size; to be given twice
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) image: Vec<PathBuf>,
    /// How many pictures, including one at each end
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) n: u32,
    /// Which way leads from noise to noise
    #[arg(long, value_name = "NAME", default_value = "spherical")]
    pub(crate) way: CurveName,
    #[command(flatten)]
    pub(crate) inversion: InversionArgs,
}

/// Find the noise that a picture comes from, and how well the picture comes back
///
/// DDIM run backwards (Song et al. 2021). --out shows the picture, the noise x_T (a third of it, so that most lies within
/// black and white), the picture that DDIM paints from x_T, and the difference of the two pictures, stretched until its
/// largest value is black or white.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie edit invert runs/mnist --image three.png
  tweedie edit invert runs/mnist --image three.png --steps 100 --iterations 10 --json
  tweedie edit invert runs/mnist --image three.png --raw x_T.safetensors")]
pub(crate) struct InvertArgs {
    #[command(flatten)]
    pub(crate) common: EditCommon,
    /// The picture, of the model's size
    #[arg(long, value_name = "FILE")]
    pub(crate) image: PathBuf,
    #[command(flatten)]
    pub(crate) inversion: InversionArgs,
    /// Write x_T as tensor `x`, as `sample --noise` reads it
    #[arg(long, value_name = "FILE.safetensors", help_heading = "Output")]
    pub(crate) raw: Option<PathBuf>,
}

/// How DDIM is run, there and back.
#[derive(Debug, Args)]
pub(crate) struct InversionArgs {
    /// Steps of DDIM [default: as many as the model is sampled with]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Sampler")]
    pub(crate) steps: Option<u32>,
    /// Evaluations for each step of the inversion: the first is DDIM's, more make the step exact
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Sampler")]
    pub(crate) iterations: u32,
}

/// The curves by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CurveName {
    /// The great circle, whose places have the size of noise
    Spherical,
    /// The straight line, whose middle is less than noise
    Linear,
}

/// Takes a name that ends in png.
fn png(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("png") => Ok(path),
        _ => Err("write FILE.png".to_string()),
    }
}
