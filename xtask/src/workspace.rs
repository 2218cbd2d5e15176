//! Where things are: the root, the build folder, the packages.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cargo_metadata::{Metadata, MetadataCommand};

/// The workspace as cargo sees it.
pub(crate) struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    /// Asks cargo, from wherever the command was started.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml");
        let metadata = MetadataCommand::new()
            .manifest_path(manifest)
            .other_options(vec!["--locked".to_owned()])
            .exec()
            .context("cargo metadata")?;
        Ok(Self { metadata })
    }

    /// What cargo says of packages and their edges.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The repository's root.
    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Where this build puts what it makes; `CARGO_TARGET_DIR` moves it.
    pub(crate) fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// The product as users run it.
    pub(crate) fn binary(&self) -> PathBuf {
        self.target().join("release").join("omnix")
    }

    /// A folder for what these commands leave behind: logs and tools.
    pub(crate) fn scratch(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.target().join("xtask").join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("`{}`", folder.display()))?;
        Ok(folder)
    }
}
