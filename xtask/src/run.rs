//! `cargo xtask run`: builds the console and the server, starts the server with the demo company
//! and says how to reach it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::{CommandExt, parent_id};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{console, project, shell};

const USERNAME: &str = "admin";
/// The demo listens on loopback only and holds made-up data, so its password may be known.
const PASSWORD: &str = "kapok-demo";
/// How long a demo may take to fill its database on a slow machine.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Builds the console and the server and starts them with the demo company.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Builds with optimizations.
    #[arg(long)]
    release: bool,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where to keep the demo's data; `target/demo` when absent.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Starts over with new data.
    #[arg(long)]
    fresh: bool,
    /// Further arguments for `kapok serve`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Where the announcing process looks for the server.
#[derive(clap::Args)]
pub(crate) struct AnnounceArgs {
    listen: SocketAddr,
    data_dir: PathBuf,
}

/// Builds and starts the demo. Replaces this process, so signals reach the server itself.
pub(crate) fn run(args: &Args) -> Result<()> {
    if let Err(error) = TcpListener::bind(args.listen) {
        bail!(
            "cannot listen on {}: {error}. Stop what uses the port, or choose another: \
             `cargo xtask run --listen 127.0.0.1:8090`",
            args.listen
        );
    }
    console::build()?;
    let mut build = shell::cargo();
    build.args(["build", "-p", "server"]);
    if args.release {
        build.arg("--release");
    }
    shell::run(&mut build)?;
    let data_dir = args.data_dir.clone().unwrap_or_else(|| project::root().join("target/demo"));
    if args.fresh && data_dir.exists() {
        fs::remove_dir_all(&data_dir)
            .with_context(|| format!("cannot empty {}", data_dir.display()))?;
    }
    fs::create_dir_all(&data_dir)
        .with_context(|| format!("cannot create {}", data_dir.display()))?;
    Command::new(std::env::current_exe()?)
        .arg("announce")
        .arg(args.listen.to_string())
        .arg(&data_dir)
        .spawn()
        .context("cannot start the process that waits for the server")?;
    let profile = if args.release { "release" } else { "debug" };
    let error = Command::new(project::binary(profile, "kapok"))
        .args(["serve", "--demo"])
        .args(&args.rest)
        .env("KAPOK_LISTEN", args.listen.to_string())
        .env("KAPOK_DATA_DIR", &data_dir)
        .env("KAPOK_ADMIN_USERNAME", USERNAME)
        .env("KAPOK_ADMIN_PASSWORD", PASSWORD)
        .exec();
    Err(error).context("cannot start the server")
}

/// Waits until the server is ready, then prints its address and who to sign in as.
pub(crate) fn announce(args: &AnnounceArgs) -> Result<()> {
    let started = Instant::now();
    let server = parent_id();
    while !is_ready(args.listen) {
        if parent_id() != server {
            return Ok(()); // The server ended and has said why itself.
        }
        if started.elapsed() > READY_WITHIN {
            bail!("the server was not ready within {} s", READY_WITHIN.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    println!();
    println!("  Kapok is ready.");
    println!();
    println!("  Address   http://{}", args.listen);
    println!("  Username  {USERNAME}");
    println!("  Password  {PASSWORD}");
    println!("  Data      {}  (`--fresh` starts over)", args.data_dir.display());
    println!();
    println!("  Ctrl-C stops it.");
    println!();
    Ok(())
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        let request =
            format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
