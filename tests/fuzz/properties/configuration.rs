//! Configuration files: a valid configuration, or a sentence that says what is wrong.

use std::path::Path;

use keyroll_agent::config as agent_config;
use keyroll_controller::config as controller_config;

/// Any bytes as the agent's file.
pub fn agent(bytes: &[u8]) -> bool {
    match agent_config::Config::parse(Path::new("agent.toml"), bytes) {
        Ok(config) => {
            assert!(config.state.is_absolute() && !config.arrays.is_empty());
            for array in &config.arrays {
                assert!(!array.targets.is_empty(), "an array without a file");
                assert!(config.array(&array.name).is_some());
                for target in &array.targets {
                    assert!(target.path.is_absolute());
                    let mode = target.access.mode.unwrap_or(0o600);
                    assert!(mode & !0o660 == 0, "others may read a keytab: {mode:o}");
                }
            }
            true
        }
        Err(error) => explained(&error.to_string(), bytes),
    }
}

/// Any bytes as the controller's file.
pub fn controller(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else {
        return false;
    };
    match controller_config::Config::parse(text) {
        Ok(config) => {
            let policy = config.policy.policy();
            assert!(policy.drain() >= policy.ticket_life);
            assert!(!config.listen.names.is_empty());
            match config.directory.settings() {
                Ok(settings) => {
                    assert!(!settings.connect_timeout.is_zero());
                    assert_eq!(settings.principal.realm(), &settings.realm);
                    true
                }
                Err(error) => explained(&error.to_string(), bytes),
            }
        }
        Err(error) => explained(&error, bytes),
    }
}

/// Not empty, and no longer than a file and a screen: no mistake is shown a thousand times.
fn explained(error: &str, bytes: &[u8]) -> bool {
    assert!(!error.trim().is_empty(), "an error without a word");
    assert!(
        error.len() <= 2_000 + 16 * bytes.len(),
        "an error of {} bytes",
        error.len()
    );
    false
}
