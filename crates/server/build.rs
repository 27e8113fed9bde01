//! Makes the folder that the console is embedded from, so that the server builds without Node.
//! Calls neither npm nor the network.

use std::path::Path;

fn main() {
    let dist = Path::new("../../console/dist");
    // When it cannot be made, the embedding reports the missing folder by name.
    let _ = std::fs::create_dir_all(dist);
    println!("cargo::rerun-if-changed={}", dist.display());
}
