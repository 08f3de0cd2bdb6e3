use super::found::{Found, Over};
use crate::commands::inspect::results::digits;
use crate::console::Console;
use crate::error::Result;

/// Prints some twenty rings at most, each with when it drowns or is painted.
///
/// # Errors
/// A result that cannot be written.
pub(super) fn print(found: &Found, console: Console) -> Result<()> {
    console.print(found.title())?;
    let what = match &found.over {
        Over::Schedule { .. } => "drowned from t",
        Over::Sampler { .. } => "painted from step",
    };
    console.print(format!("{:>14} {:>11} {:>11} {:>18}", "cycles a pixel", "power", "± ", what))?;
    let spectrum = &found.spectrum;
    let rings = spectrum.frequencies.len();
    for ring in (0..rings).step_by(rings.div_ceil(20).max(1)) {
        let when = match &found.over {
            Over::Schedule { drowning, .. } => {
                drowning.drowned_from[ring].map_or("never".to_string(), |t| t.to_string())
            }
            Over::Sampler { settling, .. } => settling.fixed_from[ring].to_string(),
        };
        console.print(format!(
            "{:>14.4} {:>11} {:>11} {when:>18}",
            spectrum.frequencies[ring],
            digits(spectrum.power[ring]),
            spectrum.power_std_error[ring].map_or("–".to_string(), digits)
        ))?;
    }
    Ok(())
}
