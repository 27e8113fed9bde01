//! A disk that fills up, fails and slows down, under a real server: a library loaded before the
//! C library (`LD_PRELOAD`) answers for it. It is compiled here with the machine's C compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The library: calls that write to a file ask the control file what to do.
const SOURCE: &str = include_str!("disk.c");

/// A disk of a test's own.
pub(crate) struct Disk {
    library: PathBuf,
    control: PathBuf,
}

impl Disk {
    /// Compiles the library into the folder. Panics without a C compiler, which building needs
    /// anyway.
    pub(crate) fn new(folder: &Path) -> Self {
        let (source, library) = (folder.join("disk.c"), folder.join("disk.so"));
        std::fs::write(&source, SOURCE).unwrap();
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status();
        assert!(compiled.expect("cc is installed").success(), "the disk's library compiles");
        let disk = Self { library, control: folder.join("disk.control") };
        disk.is_fine();
        disk
    }

    /// What the server is started with.
    pub(crate) fn settings(&self) -> [(&'static str, String); 2] {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        [("LD_PRELOAD", text(&self.library)), ("KAPOK_TEST_DISK", text(&self.control))]
    }

    /// It stores again.
    pub(crate) fn is_fine(&self) {
        self.say("fine");
    }

    /// Every write finds it full.
    pub(crate) fn is_full(&self) {
        self.say("full");
    }

    /// Every fsync fails.
    pub(crate) fn fails(&self) {
        self.say("fail");
    }

    /// Every fsync takes so many milliseconds.
    pub(crate) fn is_slow(&self, ms: u32) {
        self.say(&format!("slow {ms}"));
    }

    fn say(&self, what: &str) {
        // Renamed into place, so that nobody reads half of it.
        let draft = self.control.with_extension("draft");
        std::fs::write(&draft, what).unwrap();
        std::fs::rename(&draft, &self.control).unwrap();
    }
}
