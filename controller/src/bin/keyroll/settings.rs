//! Where the controller is and who asks: options before environment before `cli.toml`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::exit::Exit;
use crate::trouble::Trouble;

/// Where the controller listens for root on its own machine.
const DEFAULT_SOCKET: &str = "/run/keyroll/operator.sock";

/// `cli.toml` as it is written; relative paths are relative to its folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    controller: Option<String>,
    socket: Option<PathBuf>,
    server_name: Option<String>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    ca: Option<PathBuf>,
}

/// What the command line said about the controller.
#[derive(Debug, Default)]
pub struct Asked {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--controller`.
    pub controller: Option<String>,
    /// `--socket`.
    pub socket: Option<PathBuf>,
}

/// How to reach the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The Unix socket on the controller's own machine.
    Socket(PathBuf),
    /// Mutual TLS with an operator's certificate.
    Tls(TlsReach),
}

/// A controller on the network and the identity to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsReach {
    /// Host and port to dial.
    pub controller: String,
    /// The name that the controller's certificate must hold.
    pub server_name: String,
    /// The operator's certificate chain, PEM.
    pub certificate: PathBuf,
    /// The operator's private key, PEM, readable by its owner alone.
    pub key: PathBuf,
    /// The authority that signed the controller's certificate, PEM.
    pub ca: PathBuf,
}

impl Reach {
    /// Decides from the options, then the environment (`environment` looks a variable up), then
    /// the settings file, then the default socket.
    ///
    /// # Errors
    /// A settings file that cannot be read or is wrong; a controller without a certificate.
    pub fn decide(
        asked: &Asked,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Trouble> {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).map(|value| value.to_string_lossy().into_owned());
        if let Some(socket) = &asked.socket {
            return Ok(Self::Socket(socket.clone()));
        }
        let named = asked
            .config
            .clone()
            .or_else(|| set("KEYROLL_CONFIG").map(PathBuf::from));
        let must_exist = named.is_some();
        let path = named.or_else(|| default_path(&set));
        let controller = asked
            .controller
            .clone()
            .or_else(|| text("KEYROLL_CONTROLLER"));
        let socket = set("KEYROLL_SOCKET").filter(|_| controller.is_none());
        if let Some(socket) = socket {
            return Ok(Self::Socket(socket.into()));
        }
        let (path, file) = match path {
            Some(path) => (path.clone(), read(&path, must_exist)?),
            None => (PathBuf::from("cli.toml"), File::default()),
        };
        match controller.or_else(|| file.controller.clone()) {
            Some(controller) => Ok(Self::Tls(tls(controller, file, &path)?)),
            None => Ok(Self::Socket(file.socket.map_or_else(
                || PathBuf::from(DEFAULT_SOCKET),
                |socket| beside(&path, socket),
            ))),
        }
    }

    /// The place, for messages.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Socket(path) => path.display().to_string(),
            Self::Tls(reach) => reach.controller.clone(),
        }
    }
}

fn default_path(set: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = set("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(folder.join("keyroll/cli.toml"))
}

fn read(path: &Path, must_exist: bool) -> Result<File, Trouble> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {
            return Ok(File::default());
        }
        Err(error) => {
            let what = format!("the settings {} cannot be read: {error}", path.display());
            return Err(Trouble::new(Exit::Settings, "bad-settings", what));
        }
    };
    toml::from_str(&text).map_err(|error| {
        let what = format!("the settings {} are wrong: {error}", path.display());
        Trouble::new(Exit::Settings, "bad-settings", what.trim_end())
    })
}

fn tls(controller: String, file: File, path: &Path) -> Result<TlsReach, Trouble> {
    let wrong = |what: String| Trouble::new(Exit::Settings, "bad-settings", what);
    let host = controller
        .rsplit_once(':')
        .filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        .map(|(host, _)| host.trim_matches(['[', ']']).to_owned())
        .ok_or_else(|| {
            wrong(format!(
                "{controller:?} is not a controller: write HOST:PORT"
            ))
        })?;
    let needed = |key: &str, value: Option<PathBuf>| {
        value.map(|value| beside(path, value)).ok_or_else(|| {
            wrong(format!(
                "the controller {controller} is asked with an operator's certificate, but `{key}` \
                 is not set in {}",
                path.display()
            ))
            .next("sudo keyroll operator add NAME --role operator (on the controller)")
        })
    };
    Ok(TlsReach {
        server_name: file.server_name.unwrap_or(host),
        certificate: needed("certificate", file.certificate)?,
        key: needed("key", file.key)?,
        ca: needed("ca", file.ca)?,
        controller,
    })
}

/// A path from the settings file, relative to the file's folder.
fn beside(settings: &Path, path: PathBuf) -> PathBuf {
    settings
        .parent()
        .map(|folder| folder.join(&path))
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(asked: &Asked, environment: &[(&str, &str)]) -> Result<Reach, Trouble> {
        Reach::decide(asked, |name| {
            let found = environment.iter().find(|(known, _)| *known == name)?;
            Some(OsString::from(found.1))
        })
    }

    fn settings(text: &str) -> (tempfile::TempDir, Asked) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("cli.toml");
        std::fs::write(&config, text).unwrap();
        let asked = Asked {
            config: Some(config),
            ..Asked::default()
        };
        (folder, asked)
    }

    #[test]
    fn the_default_is_the_socket_of_this_machine() {
        let reach = decide(&Asked::default(), &[("HOME", "/nonexistent")]).unwrap();
        assert_eq!(reach, Reach::Socket(DEFAULT_SOCKET.into()));
    }

    #[test]
    fn options_win_over_the_environment_over_the_file() {
        let (folder, mut asked) = settings(
            "controller = \"a:1\"\ncertificate = \"me.crt\"\nkey = \"me.key\"\nca = \"/ca.crt\"",
        );
        let Reach::Tls(reach) = decide(&asked, &[]).unwrap() else {
            panic!("not TLS")
        };
        assert_eq!(
            (reach.controller.as_str(), reach.server_name.as_str()),
            ("a:1", "a")
        );
        assert_eq!(reach.key, folder.path().join("me.key"));
        assert_eq!(reach.ca, Path::new("/ca.crt"));
        let reach = decide(&asked, &[("KEYROLL_CONTROLLER", "[::1]:2")]).unwrap();
        assert!(
            matches!(&reach, Reach::Tls(tls) if tls.server_name == "::1"),
            "{reach:?}"
        );
        let reach = decide(&asked, &[("KEYROLL_SOCKET", "/s")]).unwrap();
        assert_eq!(reach, Reach::Socket("/s".into()));
        asked.socket = Some("/t".into());
        assert_eq!(decide(&asked, &[]).unwrap(), Reach::Socket("/t".into()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("controler = \"a:1\"", "controler"),
            ("controller = \"a:1\"", "`certificate`"),
            ("controller = \"a\"", "HOST:PORT"),
        ] {
            let (_folder, asked) = settings(text);
            let trouble = decide(&asked, &[]).unwrap_err();
            assert_eq!(trouble.exit, Exit::Settings.number());
            assert!(trouble.what.contains(word), "{}", trouble.what);
        }
        let asked = Asked {
            config: Some("/nonexistent/x".into()),
            ..Asked::default()
        };
        assert_eq!(
            decide(&asked, &[]).unwrap_err().exit,
            Exit::Settings.number()
        );
    }
}
