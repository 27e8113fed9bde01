//! Handlers of the Kinetic Platform: what the declaration in a package says of one.
//!
//! A package is a folder, or a zip file of it, with the declaration in `process/node.xml` and code
//! beside it. The code belongs to another engine and is never looked at, nor is anything unpacked:
//! one entry is read into memory, up to a limit. What it declares becomes an external handler that
//! waits for the URL of whatever does the work here.

use crate::Workflows;
use crate::actor::Actor;
use crate::definition::{Element, parse_xml};
use crate::error::{Error, Result};
use crate::externals::{ExternalInput, Url};
use model::external_handler::{ExternalHandler, Outcome, Parameter};
use model::limits::{
    HANDLER_DECLARATION_BYTES_MAX, HANDLER_PACKAGE_BYTES_MAX, HANDLER_PACKAGE_FILES_MAX,
};
use std::collections::HashSet;
use std::io::{Cursor, Read, Seek, SeekFrom};
use zip::ZipArchive;

/// Where a package keeps its declaration.
pub const DECLARATION: &str = "process/node.xml";

impl Workflows {
    /// Defines the handler that a package declares. With `force`, one of the same id takes and
    /// leaves from now on what the package says, and keeps its URL and its secret.
    ///
    /// # Errors
    /// `Invalid` when it is no package, `Taken`, `Stale`.
    pub async fn import_package(
        &self,
        actor: &Actor,
        package: &[u8],
        force: bool,
    ) -> Result<ExternalHandler> {
        let (id, input) = read(&declaration(Cursor::new(package))?)?;
        if force && self.external_handler(actor, &id).await.is_ok() {
            return self.update_external_handler(actor, &id, input).await;
        }
        Ok(self.define_external(actor, &id, input, Url::Later).await?.handler)
    }
}

/// Whether a text is such a declaration, by its outermost element.
pub(crate) fn is_declaration(content: &str) -> bool {
    let mut rest = content.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?") || rest.starts_with("<!") {
            ">"
        } else {
            break;
        };
        let Some((_, after)) = rest.split_once(end) else { break };
        rest = after.trim_start();
    }
    let named = rest.strip_prefix("<taskDefinition");
    named.is_some_and(|after| after.starts_with(|c: char| c.is_whitespace() || ">/".contains(c)))
}

/// Reads a declaration: the id that nodes name, and what the handler takes and leaves.
///
/// # Errors
/// `Invalid` when it is none.
pub(crate) fn read(content: &str) -> Result<(String, ExternalInput)> {
    let root = parse_xml(content)
        .map_err(|e| Error::Invalid(format!("The handler cannot be read: {e}")))?;
    let named = root.attribute("id");
    let named = named.trim();
    if root.name != "taskDefinition" || named.is_empty() {
        let message = "The handler cannot be read: it is no <taskDefinition> with an id.";
        return Err(Error::Invalid(message.into()));
    }
    let input = ExternalInput {
        name: Some(root.attribute("name")).filter(|name| !name.trim().is_empty()),
        description: Some(one_line(&root.text_of("description"))),
        parameters: Some(once(root.items("parameters", "parameter").map(parameter), |p| &p.id)),
        results: Some(once(root.items("results", "result").map(outcome), |r| &r.name)),
        ..ExternalInput::default()
    };
    Ok((versioned(named, &root.attribute("version")), input))
}

/// The id that nodes name ends in a version; a declaration may keep it apart.
fn versioned(id: &str, version: &str) -> String {
    let of_id = id.rsplit_once("_v").map(|(_, version)| version);
    if of_id.is_some_and(|v| !v.is_empty() && v.chars().all(|c| c.is_ascii_digit())) {
        return id.to_owned();
    }
    let version = version.trim();
    format!("{id}_v{}", if version.is_empty() { "1" } else { version })
}

fn parameter(element: &Element) -> Parameter {
    let attribute = |name: &str| one_line(&element.attribute(name));
    // One that depends on another is not asked for unless the other has some value.
    let depends = !attribute("dependsOnId").is_empty();
    let about = [attribute("tooltip"), attribute("label")];
    let menu = element.attribute("menu");
    Parameter {
        id: attribute("id"),
        description: about.into_iter().find(|text| !text.is_empty()).unwrap_or_default(),
        required: attribute("required").eq_ignore_ascii_case("true") && !depends,
        options: menu.split(',').map(one_line).filter(|option| !option.is_empty()).collect(),
        default_value: element.text.trim().to_owned(),
    }
}

fn outcome(element: &Element) -> Outcome {
    let name = one_line(&element.attribute("name"));
    Outcome { name, description: one_line(&element.attribute("tooltip")) }
}

/// A text without the line breaks and spaces by which XML was set.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first of each name; blank ones name nothing.
fn once<T>(found: impl Iterator<Item = T>, name: impl Fn(&T) -> &String) -> Vec<T> {
    let mut seen = HashSet::new();
    let is_new = |item: &T| !name(item).is_empty() && seen.insert(name(item).clone());
    found.filter(is_new).collect()
}

/// Finds the declaration in a zip file: at its top, or in the one folder there.
///
/// # Errors
/// `Invalid` for what is no such package, one that is too large, or one with a path that leads
/// out of it.
pub fn declaration(mut package: impl Read + Seek) -> Result<String> {
    let refused = |why: &str| Error::Invalid(format!("The package cannot be read: {why}"));
    let bytes = package.seek(SeekFrom::End(0)).map_err(|e| refused(&e.to_string()))?;
    if bytes > HANDLER_PACKAGE_BYTES_MAX {
        let message = format!("it is larger than {HANDLER_PACKAGE_BYTES_MAX} bytes.");
        return Err(refused(&message));
    }
    let mut archive = ZipArchive::new(package).map_err(|e| refused(&e.to_string()))?;
    if archive.len() > HANDLER_PACKAGE_FILES_MAX {
        let message = format!("it holds more than {HANDLER_PACKAGE_FILES_MAX} files.");
        return Err(refused(&message));
    }
    let mut found: Option<(usize, usize)> = None;
    for at in 0..archive.len() {
        let Some(name) = archive.name_for_index(at) else { continue };
        let name = name.replace('\\', "/");
        if leads_out(&name) {
            return Err(refused(&format!("its file \"{name}\" would lie outside of it.")));
        }
        let folder = name.strip_suffix(DECLARATION);
        let depth = folder.map(|folder| folder.matches('/').count());
        let is_there = folder.is_some_and(|f| f.is_empty() || f.ends_with('/'));
        if let Some(depth) = depth.filter(|depth| is_there && *depth <= 1)
            && found.is_none_or(|(least, _)| depth < least)
        {
            found = Some((depth, at));
        }
    }
    let Some((_, at)) = found else {
        return Err(refused(&format!("it holds no {DECLARATION}, so it is no handler.")));
    };
    let entry = archive.by_index(at).map_err(|e| refused(&e.to_string()))?;
    let mut text = String::new();
    // One byte more than allowed tells that there is more; what the entry says of its own size
    // may be a lie.
    let mut limited = entry.take(HANDLER_DECLARATION_BYTES_MAX + 1);
    limited.read_to_string(&mut text).map_err(|e| refused(&format!("{DECLARATION}: {e}")))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > HANDLER_DECLARATION_BYTES_MAX {
        let most = HANDLER_DECLARATION_BYTES_MAX;
        return Err(refused(&format!("its {DECLARATION} is larger than {most} bytes.")));
    }
    Ok(text)
}

/// Whether a path would leave the folder that it is unpacked in.
fn leads_out(path: &str) -> bool {
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    path.starts_with('/') || is_drive || path.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    const NODE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
        <!-- <tree> stands in a comment -->
        <taskDefinition id="acme_badge_print" name="Acme Badge Print" schema_version="1.0"
            version="2">
          <author>desk@example.com</author>
          <description>
            Prints a badge
            for a visitor.
          </description>
          <visible>true</visible>
          <deferrable>false</deferrable>
          <parameters>
            <parameter id="error_handling" label="Error Handling" required="true"
              tooltip="What to do then." menu="Error Message, Raise Error">Error Message</parameter>
            <parameter id="Visitor" label="Visitor:" required="true"/>
            <parameter id="Photo" required="true" dependsOnId="Kind" dependsOnValue="Photo"/>
            <parameter id="Visitor" label="again"/>
          </parameters>
          <handler name="acme_badge_print" version="2">
            <infos><info name="password">&lt;%= @info['password'] %&gt;</info></infos>
            <parameters><parameter name="Visitor">&lt;%= @parameters['Visitor'] %&gt;</parameter>
            </parameters>
          </handler>
          <results format="xml"><result name="Badge Id"/><result name=""/></results>
        </taskDefinition>"#;

    fn zipped(files: &[(&str, &[u8])]) -> Cursor<Vec<u8>> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, content) in files {
            writer.start_file(*path, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn a_declaration_tells_what_nodes_may_say() {
        assert!(is_declaration(NODE));
        let (id, input) = read(NODE).unwrap();
        assert_eq!(id, "acme_badge_print_v2");
        assert_eq!(input.name.unwrap(), "Acme Badge Print");
        assert_eq!(input.description.unwrap(), "Prints a badge for a visitor.");
        let parameters = input.parameters.unwrap();
        let told: Vec<_> = parameters
            .iter()
            .map(|p| (p.id.as_str(), p.required, p.description.as_str(), p.default_value.as_str()))
            .collect();
        let expect = [
            ("error_handling", true, "What to do then.", "Error Message"),
            ("Visitor", true, "Visitor:", ""),
            ("Photo", false, "", ""),
        ];
        assert_eq!(told, expect);
        assert_eq!(parameters[0].options, ["Error Message", "Raise Error"]);
        let results = input.results.unwrap();
        assert_eq!(results.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["Badge Id"]);
        assert_eq!(input.url, None);
    }

    #[test]
    fn an_id_may_have_its_version_already() {
        assert_eq!(versioned("a_b_v3", "1"), "a_b_v3");
        assert_eq!(versioned("a_b", ""), "a_b_v1");
        assert_eq!(versioned("a_vim", "2"), "a_vim_v2");
    }

    #[test]
    fn other_xml_is_no_declaration() {
        let others =
            ["<tree><taskDefinition/></tree>", "<taskDefinitions/>", "<taskInfo/>", "<!--"];
        for other in others {
            assert!(!is_declaration(other), "{other}");
        }
        for wrong in ["<taskDefinition/>", "<taskDefinition id=\"a\"", "<taskInfo id=\"a\"/>"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_package_is_a_folder_or_holds_one() {
        let code: (&str, &[u8]) = ("handler/init.rb", b"raise");
        let node = NODE.as_bytes();
        assert_eq!(declaration(zipped(&[code, (DECLARATION, node)])).unwrap(), NODE);
        let inner = zipped(&[("a_v1/process/node.xml", b"<x/>"), ("process/node.xml", node)]);
        assert_eq!(declaration(inner).unwrap(), NODE, "the one at the top counts");
        let windows = zipped(&[("a_v1\\process\\node.xml", node)]);
        assert_eq!(declaration(windows).unwrap(), NODE);
    }

    #[test]
    fn what_is_no_package_is_refused() {
        let check = |package: Cursor<Vec<u8>>, expect: &str| {
            let said = declaration(package).unwrap_err().to_string();
            assert!(said.contains(expect), "{said}");
        };
        let node = NODE.as_bytes();
        check(Cursor::new(b"PK no zip".to_vec()), "cannot be read");
        check(zipped(&[("notprocess/node.xml", node)]), "no process/node.xml");
        check(zipped(&[("a/b/process/node.xml", node)]), "no process/node.xml");
        check(zipped(&[("../process/node.xml", node)]), "outside");
        check(zipped(&[(DECLARATION, node), ("/etc/passwd", b"")]), "outside");
        check(zipped(&[(DECLARATION, node), ("a\\..\\..\\b", b"")]), "outside");
        check(zipped(&[(DECLARATION, node), ("C:/b", b"")]), "outside");
        check(zipped(&[(DECLARATION, b"\xff\xfe")]), "UTF-8");
        let bomb = vec![b' '; 8 * 1024 * 1024];
        let package = zipped(&[(DECLARATION, &bomb)]);
        assert!(package.get_ref().len() < 10_000, "it is small as long as it is packed");
        check(package, "larger than 524288 bytes");
    }

    #[test]
    fn a_package_of_very_many_files_is_refused() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for n in 0..=HANDLER_PACKAGE_FILES_MAX {
            writer.start_file(n.to_string(), SimpleFileOptions::default()).unwrap();
        }
        let said = declaration(writer.finish().unwrap()).unwrap_err().to_string();
        assert!(said.contains("more than 5000 files"), "{said}");
    }
}
