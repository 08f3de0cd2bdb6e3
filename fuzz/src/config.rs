//! The configuration of a run.

use super::scratch::check_error;
use tweedie_nn::{Builder, Network};
use tweedie_train::Config;

/// A configuration as TOML: what is read and passes the checks is written and read back the same, and its network is made
/// or refused before anything is allocated for it.
pub fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let config = match Config::from_toml(text, "a.toml") {
        Ok(config) => config,
        Err(error) => return check_error(&error.to_string(), "a.toml"),
    };
    if let Err(error) = config.check() {
        return check_error(&error.to_string(), ", ");
    }
    match config.to_toml() {
        Ok(text) => assert_eq!(Config::from_toml(&text, "b.toml").expect("what was written"), config),
        Err(error) => check_error(&error.to_string(), ", "),
    }
    network(&config);
}

/// The network of a configuration is refused in one line, or can be counted.
pub(crate) fn network(config: &Config) {
    let builder = Builder::new();
    match Network::new(&config.model, &builder) {
        Ok(_) => assert!(builder.numel() > 0),
        Err(error) => check_error(&tweedie_train::Error::from(error).user_error().to_string(), ", "),
    }
}
