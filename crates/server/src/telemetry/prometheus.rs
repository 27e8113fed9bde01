//! Metrics as Prometheus reads them: the text format, version 0.0.4.

use runtime::metrics::{Family, Kind, Value};
use std::fmt::Write;

/// The `content-type` of the text.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes all metrics.
pub(crate) fn text(families: &[Family]) -> String {
    let mut text = String::with_capacity(16 * 1024);
    for family in families {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let name = family.name;
        let _ = writeln!(text, "# HELP {name} {}", family.help.replace('\n', " "));
        let _ = writeln!(text, "# TYPE {name} {kind}");
        for sample in &family.samples {
            match &sample.value {
                Value::Number(number) => {
                    let _ = writeln!(text, "{name}{} {number}", labels(&sample.labels, None));
                }
                Value::Histogram { bounds, counts, sum } => {
                    let mut total = 0;
                    let ends = bounds.iter().map(ToString::to_string);
                    let ends = ends.chain(std::iter::once("+Inf".to_owned()));
                    for (end, count) in ends.zip(counts) {
                        total += count;
                        let labels = labels(&sample.labels, Some(&end));
                        let _ = writeln!(text, "{name}_bucket{labels} {total}");
                    }
                    let labels = labels(&sample.labels, None);
                    let _ = writeln!(text, "{name}_sum{labels} {sum}");
                    let _ = writeln!(text, "{name}_count{labels} {total}");
                }
            }
        }
    }
    text
}

fn labels(labels: &[(&'static str, String)], end: Option<&str>) -> String {
    let escaped =
        |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let mut parts: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    parts.extend(end.map(|end| format!("le=\"{end}\"")));
    if parts.is_empty() { String::new() } else { format!("{{{}}}", parts.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_labels_escaped() {
        let value = Value::Histogram { bounds: &[0.5, 1.0], counts: vec![1, 2, 3], sum: 9.5 };
        let by = Family::by("h", "A test.", Kind::Histogram, "of", [("a\"b".to_owned(), value)]);
        let one = Family::one("g", "Another.", Kind::Gauge, 1.5);
        assert_eq!(
            text(&[by, one]),
            "# HELP h A test.\n# TYPE h histogram\n\
             h_bucket{of=\"a\\\"b\",le=\"0.5\"} 1\n\
             h_bucket{of=\"a\\\"b\",le=\"1\"} 3\n\
             h_bucket{of=\"a\\\"b\",le=\"+Inf\"} 6\n\
             h_sum{of=\"a\\\"b\"} 9.5\nh_count{of=\"a\\\"b\"} 6\n\
             # HELP g Another.\n# TYPE g gauge\ng 1.5\n"
        );
    }
}
