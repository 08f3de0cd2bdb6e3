use std::time::Duration;

/// Reads `90s`, `10m` or `1h30m`; a bare number counts seconds.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let time = match text.parse::<f64>() {
        Ok(seconds) => {
            Duration::try_from_secs_f64(seconds).map_err(|_| "no time that can pass".to_string())?
        }
        Err(_) => humantime::parse_duration(text).map_err(|_| "write it as 90s, 10m or 1h30m".to_string())?,
    };
    if time.is_zero() { Err("a time of 0 leaves nothing to do".to_string()) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in [("90s", 90.0), ("10m", 600.0), ("1h30m", 5400.0), ("45", 45.0), ("0.5", 0.5)]
        {
            assert_eq!(parse(text).map(|time| time.as_secs_f64()), Ok(seconds), "{text}");
        }
        for text in ["", "soon", "-3", "0", "0s", "10 parsecs", "nan", "inf"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
