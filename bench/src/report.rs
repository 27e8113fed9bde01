//! The figures, as a table for people and as JSON for programs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::measure::Latency;

/// What was measured, in the order of measuring.
#[derive(Default)]
pub(crate) struct Figures {
    facts: Vec<(&'static str, String)>,
    rows: Vec<Row>,
}

enum Row {
    Section(&'static str),
    Number { key: String, label: String, value: f64, unit: &'static str },
}

impl Figures {
    /// Notes a fact about the circumstances.
    pub(crate) fn fact(&mut self, key: &'static str, value: impl Into<String>) {
        self.facts.push((key, value.into()));
    }

    /// Begins a group of figures.
    pub(crate) fn section(&mut self, title: &'static str) {
        self.rows.push(Row::Section(title));
    }

    /// Notes a figure.
    pub(crate) fn number(
        &mut self,
        key: impl Into<String>,
        label: impl Into<String>,
        value: f64,
        unit: &'static str,
    ) {
        self.rows.push(Row::Number { key: key.into(), label: label.into(), value, unit });
    }

    /// Notes a distribution as its median, its 99th percentile and its longest.
    pub(crate) fn latency(&mut self, key: &str, label: &str, latency: Option<Latency>) {
        let Some(latency) = latency else { return };
        let parts = [("p50", latency.p50_ms), ("p99", latency.p99_ms), ("max", latency.max_ms)];
        for (part, value) in parts {
            self.number(format!("{key}_{part}_ms"), format!("{label}, {part}"), value, "ms");
        }
    }

    fn json(&self) -> Value {
        let facts: serde_json::Map<String, Value> =
            self.facts.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let figures: Vec<Value> = self
            .rows
            .iter()
            .filter_map(|row| match row {
                Row::Section(_) => None,
                Row::Number { key, label, value, unit } => {
                    Some(json!({ "key": key, "label": label, "value": value, "unit": unit }))
                }
            })
            .collect();
        json!({ "facts": facts, "figures": figures })
    }
}

/// Prints the table.
pub(crate) fn print(figures: &Figures) {
    println!();
    for (key, value) in &figures.facts {
        println!("{key:<12} {value}");
    }
    for row in &figures.rows {
        match row {
            Row::Section(title) => println!("\n{title}"),
            Row::Number { label, value, unit, .. } => {
                println!("  {label:<58} {:>12} {unit}", readable(*value));
            }
        }
    }
}

/// Writes the same as JSON.
pub(crate) fn write(figures: &Figures, path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_string_pretty(&figures.json())? + "\n";
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("\nwritten to {}", path.display());
    Ok(())
}

/// Three digits that count, and separated thousands.
fn readable(value: f64) -> String {
    if value.abs() < 10.0 {
        return format!("{value:.2}");
    }
    if value.abs() < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(readable(0.256), "0.26");
        assert_eq!(readable(42.04), "42.0");
        assert_eq!(readable(1_234_567.8), "1,234,568");
        assert_eq!(readable(123.4), "123");
    }

    #[test]
    fn figures_keep_their_keys_and_units() {
        let mut figures = Figures::default();
        figures.fact("database", "SQLite");
        figures.section("Intake");
        figures.number("accepted_per_second", "accepted", 10.0, "1/s");
        assert_eq!(
            figures.json(),
            json!({
                "facts": { "database": "SQLite" },
                "figures": [{
                    "key": "accepted_per_second", "label": "accepted", "value": 10.0, "unit": "1/s",
                }],
            })
        );
    }
}
