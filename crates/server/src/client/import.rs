//! `kapok import` and `kapok export`: trees, routines, handlers, sources, categories and policy
//! rules as a folder of files, one for each tree and handler, that diffs well under version
//! control.

use super::show::{Progress, text};
use super::{Client, Connection, run, segment};
use crate::output;
use anyhow::{Context, Result, bail};
use clap::Args;
use model::limits;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use workflows::packages;

/// Bytes of files in one request, well below what the server takes.
const PART_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Bytes of one file.
const FILE_BYTES_MAX: u64 = 7 * 1024 * 1024;
/// Files in one request.
const PART_FILES_MAX: usize = 100;
/// Folders within folders.
const DEPTH_MAX: usize = 20;
/// Trees in one page of a list.
const PAGE_ROWS: usize = 50;
/// What a folder is read for.
const EXTENSIONS: [&str; 3] = ["xml", "json", PACKAGE];
/// The files that hold a handler of the Kinetic Platform.
const PACKAGE: &str = "zip";
/// What a handler's file holds of it: no secret, and nothing that differs from server to server.
const HANDLER: [&str; 9] = [
    "definitionId",
    "name",
    "description",
    "status",
    "url",
    "effect",
    "timeoutSeconds",
    "parameters",
    "results",
];

/// Imports exported trees, routines, handlers, sources, categories and policy rules.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A folder, which is read with all folders in it, or a file
    path: PathBuf,
    /// Writes nothing and tells what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Exports the trees, routines, handlers, sources, categories and policy rules of a space as a
/// folder.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The folder; it is made when it is missing, and files in it are replaced
    path: PathBuf,
    /// Only trees of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Import {
    /// Does what was asked.
    ///
    /// # Errors
    /// Whatever stopped it; files that were refused.
    pub(crate) fn run(self) -> Result<()> {
        run(&self.connection.clone(), |client| async move { self.import(&client).await })
    }

    async fn import(&self, client: &Client) -> Result<()> {
        let mut files = Vec::new();
        find(&self.path, 0, &mut files)?;
        files.sort();
        if files.is_empty() {
            bail!("{} holds no .xml, .json or .zip file", self.path.display());
        }
        let progress = Progress::new(client);
        let total = i64::try_from(files.len()).unwrap_or(i64::MAX);
        let mut report: Vec<Value> = Vec::new();
        let mut done = 0;
        // Sources first, so that no part has to wait for another.
        for wants_sources in [true, false] {
            let is_source = |path: &&PathBuf| path.ends_with("sources.json") == wants_sources;
            for part in parts(files.iter().filter(is_source), &mut report)? {
                progress.at(done, total, "files");
                let body = json!({ "files": part, "dryRun": self.dry_run });
                let mut answer = client.post("/app/api/v2/imports", &body).await?;
                done += i64::try_from(part.len()).unwrap_or_default();
                if let Value::Array(imported) = answer["imported"].take() {
                    report.extend(imported);
                }
            }
        }
        progress.end();
        if !self.dry_run {
            settle(client, &mut report).await?;
        }
        self.tell(client, &report)
    }

    fn tell(&self, client: &Client, report: &[Value]) -> Result<()> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for imported in report {
            let action = text(imported, "action");
            *counts.entry(action).or_default() += 1;
            let problems = imported["problems"].as_array().map_or(0, Vec::len);
            if client.json {
                output::line(&imported.to_string());
            } else if action != "unchanged" || problems > 0 {
                output::line(&lines(imported));
            }
        }
        let counted: Vec<String> = counts.iter().map(|(what, n)| format!("{n} {what}")).collect();
        let dry = if self.dry_run { "would be: " } else { "" };
        client.note(&format!("{dry}{}", counted.join(", ")));
        match counts.get("refused") {
            Some(refused) => bail!("{refused} files were refused; the report says why"),
            None => Ok(()),
        }
    }
}

/// A record of the report, with its problems below it.
fn lines(imported: &Value) -> String {
    let message = imported["message"].as_str().map(|m| format!(": {m}")).unwrap_or_default();
    let mut lines = format!(
        "{:<9}  {:<11}  {}  ({}){message}",
        text(imported, "action"),
        text(imported, "kind"),
        text(imported, "title"),
        text(imported, "path"),
    );
    for problem in imported["problems"].as_array().into_iter().flatten() {
        let place = ["nodeId", "place"].iter().filter_map(|name| problem[*name].as_str());
        let place: Vec<&str> = place.collect();
        let line = problem["line"].as_i64().map(|n| format!(", line {n}")).unwrap_or_default();
        lines.push_str(&format!("\n    {}{line}: {}", place.join(", "), text(problem, "message")));
    }
    lines
}

/// Asks again what is wrong with the trees: what one part lacked, a later one may have brought.
async fn settle(client: &Client, report: &mut [Value]) -> Result<()> {
    let has_problems = |i: &&mut Value| i["problems"].as_array().is_some_and(|p| !p.is_empty());
    for imported in report.iter_mut().filter(has_problems) {
        let path = format!("/app/api/v2/trees/{}", segment(text(imported, "title")));
        let tree = client.get(&path).await?;
        imported["problems"] = tree["problems"].clone();
    }
    Ok(())
}

/// The files to read at a path, without what is hidden.
fn find(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let shown = path.display();
    let about = std::fs::metadata(path).with_context(|| format!("{shown} cannot be read"))?;
    if about.is_file() {
        if depth == 0 || EXTENSIONS.contains(&extension(path).as_str()) {
            // Of a package one small file is read, whatever else there is in it.
            let most =
                if is_package(path) { limits::HANDLER_PACKAGE_BYTES_MAX } else { FILE_BYTES_MAX };
            if about.len() > most {
                bail!("{shown} is larger than {most} bytes");
            }
            files.push(path.to_owned());
        }
        return Ok(());
    }
    if depth > DEPTH_MAX {
        bail!("{shown} is more than {DEPTH_MAX} folders deep");
    }
    let entries = std::fs::read_dir(path).with_context(|| format!("{shown} cannot be read"))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("{shown} cannot be read"))?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        // A link could lead back to where it stands.
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if !is_hidden && !is_link {
            find(&entry.path(), depth + 1, files)?;
        }
    }
    Ok(())
}

fn extension(path: &Path) -> String {
    path.extension().and_then(std::ffi::OsStr::to_str).unwrap_or_default().to_lowercase()
}

fn is_package(path: &Path) -> bool {
    extension(path) == PACKAGE
}

/// Files put together into requests; packages that cannot be read are reported.
fn parts<'f>(
    files: impl Iterator<Item = &'f PathBuf>,
    report: &mut Vec<Value>,
) -> Result<Vec<Vec<Value>>> {
    let mut parts: Vec<Vec<Value>> = Vec::new();
    let mut bytes = usize::MAX;
    for path in files {
        let mut shown = path.to_string_lossy().into_owned();
        let content = if is_package(path) {
            let file = std::fs::File::open(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            match packages::declaration(std::io::BufReader::new(file)) {
                Ok(declaration) => {
                    shown = format!("{shown}/{}", packages::DECLARATION);
                    declaration
                }
                Err(error) => {
                    report.push(json!({ "path": shown, "kind": "Unknown", "title": "",
                        "action": "refused", "message": error.to_string(), "problems": [] }));
                    continue;
                }
            }
        } else {
            std::fs::read_to_string(path)
                .with_context(|| format!("{} is not UTF-8 text", path.display()))?
        };
        let is_full = parts.last().is_none_or(|part| part.len() >= PART_FILES_MAX);
        if is_full || bytes.saturating_add(content.len()) > PART_BYTES_MAX {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes = bytes.saturating_add(content.len());
        let file = json!({ "path": shown, "content": content });
        if let Some(part) = parts.last_mut() {
            part.push(file);
        }
    }
    Ok(parts)
}

impl Export {
    /// Does what was asked.
    ///
    /// # Errors
    /// Whatever stopped it.
    pub(crate) fn run(self) -> Result<()> {
        run(&self.connection.clone(), |client| async move { self.export(&client).await })
    }

    async fn export(&self, client: &Client) -> Result<()> {
        let progress = Progress::new(client);
        let mut written = Vec::new();
        let mut offset = 0;
        loop {
            let source = self.source.as_deref().map(|s| format!("&source={}", segment(s)));
            let path = format!(
                "/app/api/v2/trees?include=export&limit={PAGE_ROWS}&offset={offset}{}",
                source.unwrap_or_default()
            );
            let page = client.get(&path).await?;
            let rows = page["trees"].as_array().cloned().unwrap_or_default();
            for tree in &rows {
                let file = tree_file(tree);
                self.write(&file, text(tree, "export"))?;
                written.push(file);
            }
            offset += rows.len();
            progress.at(
                i64::try_from(offset).unwrap_or_default(),
                page["count"].as_i64().unwrap_or_default(),
                "trees",
            );
            if rows.len() < PAGE_ROWS {
                break;
            }
        }
        progress.end();
        written.extend(self.export_handlers(client).await?);
        for (route, name, file) in [
            ("sources?include=policyRules", "sourceRoots", "sources.json"),
            ("policyRules?limit=1000", "policyRules", "policyRules.json"),
            ("categories?limit=1000", "categories", "categories.json"),
        ] {
            let answer = client.get(&format!("/app/api/v2/{route}")).await?;
            let is_stored = |row: &&Value| row["type"] != "Integrated";
            let rows: Vec<&Value> =
                answer[name].as_array().into_iter().flatten().filter(is_stored).collect();
            let document = serde_json::to_string_pretty(&rows).context("JSON")? + "\n";
            self.write(Path::new(file), &document)?;
            written.push(file.into());
        }
        for file in &written {
            let line = json!({ "path": self.path.join(file).to_string_lossy() });
            if client.json {
                output::line(&line.to_string());
            }
        }
        client.note(&format!("{} files in {}", written.len(), self.path.display()));
        Ok(())
    }

    /// One file for each handler that the space defines.
    async fn export_handlers(&self, client: &Client) -> Result<Vec<PathBuf>> {
        let mut written = Vec::new();
        let answer = client.get("/app/api/v2/handlers?limit=1000").await?;
        let all = answer["handlers"].as_array().into_iter().flatten();
        for handler in all.filter(|handler| handler["external"] == true) {
            let kept = HANDLER.iter().map(|key| ((*key).to_owned(), handler[*key].clone()));
            let document = Value::Object(kept.collect::<Map<_, _>>());
            let document = serde_json::to_string_pretty(&document).context("JSON")? + "\n";
            let name = format!("{}.json", safe(text(handler, "definitionId")));
            let file = Path::new("handlers").join(name);
            self.write(&file, &document)?;
            written.push(file);
        }
        Ok(written)
    }

    fn write(&self, file: &Path, content: &str) -> Result<()> {
        let path = self.path.join(file);
        let folder = path.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        std::fs::write(&path, content)
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// Where a tree's file stands: by source and group, routines by themselves.
fn tree_file(tree: &Value) -> PathBuf {
    let name = format!("{}.xml", safe(text(tree, "name")));
    if text(tree, "type") == "Tree" {
        let (source, group) = (safe(text(tree, "sourceName")), safe(text(tree, "sourceGroup")));
        return Path::new("trees").join(source).join(group).join(name);
    }
    Path::new("routines").join(name)
}

/// A name as a file's on every system; what is not allowed there is percent-encoded.
fn safe(name: &str) -> String {
    let mut safe = String::new();
    for c in name.chars() {
        if c.is_control() || "/\\:*?\"<>|%".contains(c) {
            safe.push_str(&segment(&c.to_string()));
        } else {
            safe.push(c);
        }
    }
    // A name of dots would leave the folder, and a final dot is lost on some systems.
    if safe.ends_with('.') || safe.ends_with(' ') || safe.is_empty() {
        safe.push('_');
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_where_any_system_takes_them() {
        let check = |tree: Value, expect: &str| {
            assert_eq!(tree_file(&tree), Path::new(expect), "{tree}");
        };
        check(
            json!({ "type": "Tree", "sourceName": "S", "sourceGroup": "A > b/c", "name": ".." }),
            "trees/S/A %3E b%2Fc/.._.xml",
        );
        check(
            json!({ "type": "Global Routine", "sourceName": "-", "name": "Greet: all?" }),
            "routines/Greet%3A all%3F.xml",
        );
    }

    #[test]
    fn files_are_sent_in_parts() {
        let folder = std::env::temp_dir().join(format!("kapok-parts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let files: Vec<PathBuf> = (0..3).map(|n| folder.join(format!("{n}.json"))).collect();
        for file in &files {
            std::fs::write(file, "x".repeat(PART_BYTES_MAX / 2)).unwrap();
        }
        let mut report = Vec::new();
        let parts = parts(files.iter(), &mut report).unwrap();
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        let mut found = Vec::new();
        find(&folder, 0, &mut found).unwrap();
        assert_eq!(found.len(), 3);
        assert!(report.is_empty(), "{report:?}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
