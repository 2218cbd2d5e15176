//! The secret that signs tokens: given, or made once and kept in the data directory, readable by its owner.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::settings::AuthSettings;

/// Bytes of a secret at the least: those of the hash that it signs with.
const SECRET_BYTES_MIN: usize = 32;

/// The secret's file within the data directory.
const FILE_NAME: &str = "jwt.secret";

/// The secret that signs tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Never shown.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Too short to be one.
    #[error("a secret must be at least {SECRET_BYTES_MIN} bytes long")]
    TooShort,
    /// Its file cannot be read or written.
    #[error("`{path}`: {error}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl Secret {
    /// The secret `bytes`.
    ///
    /// # Errors
    /// [`SecretError::TooShort`] below 32 bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let bytes = bytes.into();
        if bytes.len() < SECRET_BYTES_MIN { Err(SecretError::TooShort) } else { Ok(Self(bytes)) }
    }

    /// The secret that `settings` name, else that of `data_dir`, which is made if there is none yet. Safe to
    /// call from two processes at a time: both get the same.
    ///
    /// # Errors
    /// [`SecretError`] when it is too short or its file cannot be read or written.
    pub fn find(settings: &AuthSettings, data_dir: &Path) -> Result<Self, SecretError> {
        if !settings.jwt_secret.is_empty() {
            return Self::new(settings.jwt_secret.as_bytes());
        }
        if !settings.jwt_secret_file.is_empty() {
            return Self::read(Path::new(&settings.jwt_secret_file));
        }
        let path = data_dir.join(FILE_NAME);
        if !path.exists() {
            create(data_dir, &path).map_err(|error| SecretError::File { path: path.clone(), error })?;
        }
        Self::read(&path)
    }

    fn read(path: &Path) -> Result<Self, SecretError> {
        let text = fs::read(path).map_err(|error| SecretError::File { path: path.to_owned(), error })?;
        Self::new(text.trim_ascii())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Writes a new secret beside its place and links it there: it appears whole, and the first one wins.
fn create(data_dir: &Path, path: &Path) -> io::Result<()> {
    fs::create_dir_all(data_dir)?;
    let draft = data_dir.join(format!("{FILE_NAME}.{:016x}", rand::random::<u64>()));
    let mut file = open_private(&draft)?;
    let secret: [u8; 32] = rand::random();
    let mut text: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    };
    fs::remove_file(&draft)?;
    linked?;
    File::open(data_dir)?.sync_all()
}

fn open_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
